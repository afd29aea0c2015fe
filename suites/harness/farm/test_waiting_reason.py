"""Whoever waits is told why, and at once where the wait would never end."""

from __future__ import annotations

import pytest

from harness.farm.demand import Demand, Host, OfferedPhone
from harness.farm.host_load import Running
from harness.farm.waiting_reason import impossible, reason_of

PHONE = OfferedPhone(serialno="P0", soc="SM8550")
CRACKED = OfferedPhone(serialno="P1", soc="SM8850", aside="P1 is set aside: cracked")
HOST = Host(
    name="bench",
    cores=4,
    memory_gib=16,
    phones=(PHONE, CRACKED),
    qnn="v2",
    commit="c0ffee",
    store="here",
)


@pytest.mark.parametrize(
    ("demand", "hosts", "told"),
    [
        (Demand(), [], "no host has joined the farm"),
        (Demand(soc="SM8750"), [HOST], "no phone has SM8750: those of the farm have SM8550"),
        (Demand(soc="SM8850"), [HOST], "1 phones with SM8850 takes jobs (P1 is set aside: cracked"),
        (Demand(soc="SM8550", labels=frozenset({"new"})), [HOST], "none is labelled new"),
        (Demand(qnn="v3"), [HOST], "no host has QNN v3"),
        (Demand(commit="decade"), [HOST], "no host has commit decade"),
        (Demand(store="there"), [HOST], "its store is there and hosts have here"),
        (Demand(memory_gib=64), [HOST], "64.0 GiB, and no host has more than 16.0"),
        (Demand(cores=64), [HOST], "no host has all that it needs"),
    ],
)
def test_what_nobody_can_run_is_named(demand: Demand, hosts: list[Host], told: str) -> None:
    said = impossible(demand, hosts)
    assert said is not None
    assert told in said
    assert reason_of(demand, frozenset(), frozenset(), hosts, {}) == said


def test_what_somebody_can_run_is_not() -> None:
    demand = Demand(soc="SM8550", qnn="v2", commit="c0ffee", store="here")
    assert impossible(demand, [HOST]) is None


def test_a_store_that_no_host_reaches_now_is_waited_for() -> None:
    away = HOST.model_copy(update={"store": None})
    demand = Demand(soc="SM8550", store="here")
    assert impossible(demand, [away]) is None
    told = reason_of(demand, frozenset(), frozenset(), [away], {})
    assert told == "no host that could run it reaches the store here now"
    told = reason_of(demand, frozenset(), frozenset({"bench"}), [HOST, away], {})
    assert told == "no host that could run it and did not refuse it reaches the store here now"


@pytest.mark.parametrize(
    ("demand", "broke", "running", "told"),
    [
        (Demand(soc="SM8550"), {"P0"}, [], "all 1 phones with SM8550 broke under it"),
        (
            Demand(soc="SM8550"),
            set(),
            [Running("other", Demand(soc="SM8550"), 1.0, serialno="P0")],
            "all 1 phones with SM8550 are busy",
        ),
        (Demand(), set(), [], "other jobs go first"),
        (Demand(measures=True), set(), [Running("other", Demand(), 1.0)], "it measures time"),
        (Demand(), set(), [Running("other", Demand(cores=4), 1.0)], "hosts that could run it are"),
    ],
)
def test_what_waits_is_told_for_what(
    demand: Demand, broke: set[str], running: list[Running], told: str
) -> None:
    assert told in reason_of(demand, frozenset(broke), frozenset(), [HOST], {"bench": running})

"""Gates put aside for a while."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.measure.gate import Context
from harness.measure.quarantine import (
    GateNight,
    Quarantine,
    QuarantineState,
    expired,
    find_quarantine,
    propose_quarantine,
    render_quarantine,
)
from harness.measure.verdict import Status

PHONE = Context("smolvlm_500m", "phone", soc="SM8650", mode="kv")
TODAY = date(2026, 2, 10)
ROW = Quarantine(
    metric="decode_tps",
    model="smolvlm_500m",
    soc="SM8650",
    owner="Ada",
    reason="two speeds since the last driver",
    since=date(2026, 2, 1),
    expires=date(2026, 2, 14),
)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2026, 1, 31), QuarantineState.PENDING),
        (date(2026, 2, 1), QuarantineState.ACTIVE),
        (date(2026, 2, 14), QuarantineState.ACTIVE),
        (date(2026, 2, 15), QuarantineState.EXPIRED),
    ],
)
def test_a_row_holds_from_its_first_to_its_last_day(day: date, state: QuarantineState) -> None:
    assert ROW.state(day) is state


@pytest.mark.parametrize(
    "change",
    [
        {"owner": ""},
        {"reason": ""},
        {"expires": date(2026, 1, 31)},
        {"metric": "decode_speed"},
        {"colour": "red"},
    ],
)
def test_a_row_without_owner_reason_or_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Quarantine.model_validate(ROW.model_dump() | change)


def test_a_row_puts_aside_what_it_names_and_nothing_else() -> None:
    assert find_quarantine([ROW], "decode_tps", PHONE, TODAY) == ROW
    assert find_quarantine([ROW], "ttft_ms", PHONE, TODAY) is None
    other = Context("smolvlm_500m", "phone", soc="SM8750", mode="kv")
    assert find_quarantine([ROW], "decode_tps", other, TODAY) is None


def test_a_row_that_has_not_begun_puts_nothing_aside() -> None:
    assert find_quarantine([ROW], "decode_tps", PHONE, date(2026, 1, 1)) is None


def test_an_extended_row_wins_over_the_expired_one() -> None:
    later = ROW.model_copy(update={"expires": date(2026, 3, 1)})
    day = date(2026, 2, 20)
    assert find_quarantine([ROW, later], "decode_tps", PHONE, day) == later
    assert expired([ROW, later], day) == [ROW]


KEY = "a1"


@pytest.mark.parametrize(
    ("nights", "cause"),
    [
        ([(Status.INCONCLUSIVE, KEY)] * 2, "inconclusive two nights running"),
        ([(Status.PASS, KEY), (Status.FAIL, KEY)], "pass turned to fail"),
        ([(Status.FAIL, KEY), (Status.PASS, KEY)], "fail turned to pass"),
    ],
)
def test_a_gate_that_wavers_is_proposed_for_14_days(
    nights: list[tuple[Status, str]], cause: str
) -> None:
    row = propose_quarantine(
        "decode_tps", PHONE, [GateNight(*night) for night in nights], owner="Ada", today=TODAY
    )
    assert row is not None
    assert row.reason.startswith(cause)
    assert row.expires == TODAY + timedelta(days=14)
    assert row.applies_to("decode_tps", PHONE)


@pytest.mark.parametrize(
    "nights",
    [
        [],
        [(Status.INCONCLUSIVE, KEY)],
        [(Status.INCONCLUSIVE, KEY), (Status.PASS, KEY)],
        [(Status.INCONCLUSIVE, KEY), (Status.PASS, KEY), (Status.INCONCLUSIVE, KEY)],
        [(Status.FAIL, KEY)] * 2,
        [(Status.PASS, KEY), (Status.FAIL, "b2")],
        [(Status.BLOCKED, KEY)] * 2,
    ],
)
def test_a_gate_that_knows_its_mind_is_left_alone(nights: list[tuple[Status, str]]) -> None:
    made = [GateNight(*night) for night in nights]
    assert propose_quarantine("decode_tps", PHONE, made, owner="Ada", today=TODAY) is None


words = st.text(min_size=1, max_size=30)


@given(words, words)
def test_a_written_row_reads_back_whatever_its_words(owner: str, reason: str) -> None:
    row = ROW.model_copy(update={"owner": owner, "reason": reason})
    (read,) = tomllib.loads(render_quarantine(row))["quarantine"]
    assert Quarantine.model_validate(read) == row

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
    Quarantine,
    QuarantineState,
    expired,
    find_quarantine,
    propose_quarantine,
    quarantine_cause,
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


HELD = ("commit a1", "packages", "gate >= 50")


@pytest.mark.parametrize(
    ("before", "now", "cause"),
    [
        (Status.INCONCLUSIVE, Status.INCONCLUSIVE, "inconclusive two nights running"),
        (Status.PASS, Status.FAIL, "pass turned to fail"),
        (Status.FAIL, Status.PASS, "fail turned to pass"),
    ],
)
def test_a_gate_that_wavers_is_proposed_for_14_days(
    before: Status, now: Status, cause: str
) -> None:
    reason = quarantine_cause(before, now, HELD)
    assert reason == f"{cause} with the same commit a1, packages and gate >= 50"
    row = propose_quarantine("decode_tps", PHONE, reason, owner="Ada", today=TODAY)
    assert row.expires == TODAY + timedelta(days=14)
    assert row.applies_to("decode_tps", PHONE)


@pytest.mark.parametrize(
    ("before", "now", "held"),
    [
        (Status.INCONCLUSIVE, Status.PASS, HELD),
        (Status.PASS, Status.INCONCLUSIVE, HELD),
        (Status.FAIL, Status.FAIL, HELD),
        (Status.BLOCKED, Status.BLOCKED, HELD),
        (Status.PASS, Status.FAIL, ()),
        (Status.INCONCLUSIVE, Status.INCONCLUSIVE, ()),
    ],
)
def test_a_gate_that_knows_its_mind_or_has_a_cause_is_left_alone(
    before: Status, now: Status, held: tuple[str, ...]
) -> None:
    assert quarantine_cause(before, now, held) is None


words = st.text(min_size=1, max_size=30)


@given(words, words)
def test_a_written_row_reads_back_whatever_its_words(owner: str, reason: str) -> None:
    row = ROW.model_copy(update={"owner": owner, "reason": reason})
    (read,) = tomllib.loads(render_quarantine(row))["quarantine"]
    assert Quarantine.model_validate(read) == row

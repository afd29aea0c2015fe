"""Which runs count."""

from __future__ import annotations

import pytest

from harness.measure.sample import (
    RunOutcome,
    Sample,
    describe_invalid,
    invalid_reason,
    too_many_invalid,
)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (RunOutcome(128, "a1"), None),
        (RunOutcome(127, "a1"), "127 decoded tokens instead of 128"),
        (RunOutcome(128, "b2"), "the answer differs from the first run's"),
        (RunOutcome(128, "a1", "thermal status rose"), "thermal status rose"),
        (RunOutcome(128, "a1", None, "it is empty"), "the answer says nothing: it is empty"),
    ],
)
def test_a_run_counts_only_undisturbed_and_with_the_same_answer(
    run: RunOutcome, reason: str | None
) -> None:
    assert invalid_reason(run, wanted_tokens=128, first_output="a1") == reason


def test_a_free_token_count_is_no_reason() -> None:
    assert invalid_reason(RunOutcome(7, "a1"), wanted_tokens=None, first_output="a1") is None


@pytest.mark.parametrize(
    ("invalid", "runs", "blocks"),
    [(0, 0, True), (0, 5, False), (1, 5, False), (2, 5, True), (3, 10, False), (6, 20, False)],
)
def test_more_than_30_percent_invalid_runs_block(invalid: int, runs: int, blocks: bool) -> None:
    assert too_many_invalid(invalid, runs) is blocks


def test_reasons_are_told_by_frequency() -> None:
    hot, short = Sample(1.0, "hot"), Sample(1.0, "short")
    assert "3 of 4 runs do not count, more than 30 %: hot (2 runs), short (1 run)" in (
        describe_invalid([short, hot, hot, Sample(1.0)])
    )

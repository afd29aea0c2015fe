"""The headline agrees with the session's end, whatever ended it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from harness.measure.verdict import Status
from harness.results.rows.schema import OutcomeRow, QuarantineRow, Row
from harness.results.run import Run
from reports.headline import Headline, headline
from suites.harness.reports.nights import a_sample, a_verdict, write_night
from suites.harness.reports.small_run import SPEED_TEST
from suites.harness.reports.test_parts import a_comparison

OUTCOMES = {Status.PASS: "passed", Status.FAIL: "failed"}


def ended(status: Status, test_id: str = SPEED_TEST) -> OutcomeRow:
    """A test that ended so and left no verdict."""
    return OutcomeRow.model_validate(
        {
            "test_id": test_id,
            "outcome": OUTCOMES.get(status, "skipped"),
            "status": status,
            "duration_s": 1.0,
            "rerun_command": "pytest",
        }
    )


def headline_of(folder: Path, rows: Sequence[Row]) -> Headline:
    return headline(Run.read(write_night(folder, 0, rows)))


def test_a_slower_candidate_is_a_failure_that_tells_by_how_much(tmp_path: Path) -> None:
    rows: list[Row] = [a_comparison("slower", 0.94), ended(Status.FAIL)]
    top = headline_of(tmp_path, rows)
    assert (top.word, top.tone) == ("FAIL", "fail")
    assert top.sentence == (
        "decode_tps of tiny_smolvlm kv on builder-03 is 6.0 % lower than that of the baseline "
        "fedcba987654. 1 comparison of 012345678901 with fedcba987654: 1 slower."
    )


def test_of_several_slower_metrics_the_furthest_leads(tmp_path: Path) -> None:
    further = a_comparison("slower", 1.2).model_copy(update={"metric": "ttft_ms"})
    top = headline_of(tmp_path, [a_comparison("slower", 0.9), further, ended(Status.FAIL)])
    assert top.lead.startswith("ttft_ms of tiny_smolvlm kv on builder-03 is 20.0 % higher than")
    assert "2 comparisons of 012345678901 with fedcba987654: 2 slower; slower: decode_tps" in (
        top.sentence
    )


def test_a_slower_candidate_that_was_not_when_compared_again_is_no_failure(tmp_path: Path) -> None:
    again = a_comparison("inconclusive", 1.0).model_copy(update={"cold_session": 1})
    rows: list[Row] = [a_comparison("slower", 0.94), again, ended(Status.INCONCLUSIVE)]
    top = headline_of(tmp_path, rows)
    assert top.word == "INCONCLUSIVE"
    assert top.sentence == "1 comparison of 012345678901 with fedcba987654: 1 undecided."


def test_a_slower_candidate_in_quarantine_fails_no_night(tmp_path: Path) -> None:
    aside = a_comparison("slower", 0.94).model_copy(update={"quarantined": True})
    put_aside = ended(Status.FAIL).model_copy(update={"outcome": "skipped"})
    rows: list[Row] = [aside, put_aside, a_verdict(100.0, Status.PASS, test_id="another")]
    top = headline_of(tmp_path, rows)
    assert (top.word, top.lead) == ("PASS", "")


def test_a_night_of_equals_passes(tmp_path: Path) -> None:
    top = headline_of(tmp_path, [a_comparison("same", 1.0), ended(Status.PASS)])
    assert top.word == "PASS"
    assert top.sentence == "1 comparison of 012345678901 with fedcba987654: 1 same."


def test_what_is_undecided_is_never_told_as_not_slower(tmp_path: Path) -> None:
    """Both legs by name, in what they differ, and every outcome with its number."""
    named = {"baseline_name": "before", "candidate_name": "after", "differ_in": "torch 1 -> 2"}
    outcomes = ["inconclusive"] * 14 + ["faster", "same"]
    rows: list[Row] = [
        a_comparison(outcome, 1.0).model_copy(update={**named, "test_id": str(n)})
        for n, outcome in enumerate(outcomes)
    ]
    assert headline_of(tmp_path, [*rows, ended(Status.INCONCLUSIVE)]).sentence.startswith(
        "16 comparisons of after with before (different: torch 1 -> 2): 14 undecided, 1 faster, 1 "
        "same."
    )


@pytest.mark.parametrize(
    ("status", "word"), [(Status.BLOCKED, "BLOCKED"), (Status.NO_GATE, "NO GATE")]
)
def test_what_ended_before_there_was_a_number_counts(
    tmp_path: Path, status: Status, word: str
) -> None:
    top = headline_of(tmp_path, [ended(status)])
    assert top.word == word
    told = f"1 test ended {word} before anything was judged: test_decode_rate[tiny_smolvlm-kv]."
    assert top.sentence == told


def test_a_verdict_of_a_test_is_not_told_twice(tmp_path: Path) -> None:
    judged = a_verdict(100.0, Status.BLOCKED)
    rows: list[Row] = [a_sample(100.0), judged, ended(Status.BLOCKED)]
    top = headline_of(tmp_path, rows)
    assert top.word == "BLOCKED"
    assert top.sentence == "1 of 1 verdict is blocked: decode_tps of tiny_smolvlm kv."


def test_a_quarantine_that_is_over_fails_a_night_in_which_all_passes(tmp_path: Path) -> None:
    over = QuarantineRow(
        metric="ttft_ms",
        model="tiny_smolvlm",
        owner="ada@example.org",
        reason="flips",
        expires=date(2026, 9, 30),
        expired=True,
    )
    rows: list[Row] = [over, a_sample(100.0), a_verdict(100.0, Status.PASS)]
    top = headline_of(tmp_path, rows)
    assert top.word == "FAIL"
    assert top.sentence.endswith("1 quarantine ran out: ttft_ms of tiny_smolvlm.")


def test_what_was_judged_counts_apart_from_what_was_only_shown_valid(tmp_path: Path) -> None:
    gated = [a_verdict(float(n), Status.PASS, test_id=f"gated{n}") for n in range(3)]
    valid = [a_verdict(float(n), Status.PASS, test_id=f"valid{n}", gate_min=None) for n in range(2)]
    top = headline_of(tmp_path / "both", [*gated, *valid])
    assert (top.word, top.tone) == ("PASS", "pass")
    assert top.sentence == ("3 of 3 verdicts pass. 2 figures without a gate were only shown valid.")
    assert [(count.label, count.number) for count in top.counts] == [("PASS", 3), ("VALID", 2)]
    alone = headline_of(tmp_path / "alone", valid[:1])
    assert (alone.word, alone.tone) == ("VALID", "valid")
    assert alone.sentence == "Nothing was judged against a gate: 1 figure only shown valid."
    failed = headline_of(tmp_path / "failed", [*valid, a_verdict(1.0, Status.FAIL)])
    assert failed.word == "FAIL"
    assert failed.sentence.startswith("1 of 1 verdict fails: decode_tps of tiny_smolvlm kv. 2 fig")

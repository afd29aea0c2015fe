"""What was found on some scenes is judged by what others might have shown, on either side."""

from __future__ import annotations

from datetime import date

import pytest

from harness.measure.accuracy_delta import ScoredPair, drop
from harness.measure.cold_rerun import needs_rerun
from harness.measure.estimate import Estimate
from harness.measure.estimate_verdict import judge_estimate
from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.ratio import Part, ratio
from harness.measure.share import Scored, counted_whole, share
from harness.measure.verdict import Status, Verdict

HOST = Context("tiny_smolvlm", "host", mode="kv", precision="8da4w")


def gate(metric: str, minimum: float | None = None, maximum: float | None = None) -> Gate:
    return Gate(
        metric=metric,
        model="tiny_smolvlm",
        min=minimum,
        max=maximum,
        confidence="derived",
        source="acceptance",
        since=date(2026, 11, 23),
    )


MATCH, DROP = gate("exact_match", 0.97), gate("exact_match_drop", None, 0.02)
AGREE = gate("token_agreement", 1.0)


def right(hits: int, count: int) -> Estimate:
    return share([Scored(str(n), float(n < hits)) for n in range(count)], "answer")


def lost(answers: int, gained: int = 0, count: int = 200) -> Estimate:
    scores = [(1.0, 0.0)] * answers + [(0.0, 1.0)] * gained
    scores += [(1.0, 1.0)] * (count - len(scores))
    return drop([ScoredPair(str(n), *both) for n, both in enumerate(scores)])


def judged(found: Estimate, by: Gate | None, metric: str = "exact_match") -> Verdict:
    provenance = Provenance("run 1", date(2026, 11, 26))
    return judge_estimate(found, by, by.metric if by else metric, HOST, provenance=provenance)


@pytest.mark.parametrize(
    ("hits", "count", "status"),
    [
        (196, 200, Status.INCONCLUSIVE),
        (38, 40, Status.INCONCLUSIVE),
        (40, 40, Status.INCONCLUSIVE),
        (495, 500, Status.PASS),
        (485, 500, Status.INCONCLUSIVE),
        (34, 40, Status.FAIL),
        (450, 500, Status.FAIL),
        (0, 24, Status.FAIL),
    ],
)
def test_a_share_passes_or_fails_only_where_other_scenes_would_agree(
    hits: int, count: int, status: Status
) -> None:
    """0.98 of 200 and 0.95 of 40 may be the same weights: neither decides a gate of 0.97."""
    assert judged(right(hits, count), MATCH).status is status


def test_the_verdict_carries_count_and_interval() -> None:
    verdict = judged(right(38, 40), MATCH)
    assert (verdict.count, verdict.count_of, verdict.counted) == (38, 40, "answer")
    assert verdict.interval == "share"
    assert verdict.lower is not None
    assert verdict.upper is not None
    assert verdict.sentence == (
        "exact_match of tiny_smolvlm 8da4w kv on host is 0.95 (38 of 40 answers, 98.5 % sure >= "
        f"{verdict.lower:.4g}, 98.5 % sure <= {verdict.upper:.4g}), gate >= 0.97: inconclusive, "
        "ask about more scenes with --scenes"
    )


@pytest.mark.parametrize(("hits", "status"), [(24, Status.PASS), (23, Status.FAIL)])
def test_a_gate_that_asks_for_all_is_about_those_that_were_named(hits: int, status: Status) -> None:
    """No sample could confirm it, and one exception is enough against it."""
    verdict = judged(right(hits, 24), AGREE)
    assert verdict.status is status
    assert verdict.lower is not None
    assert verdict.lower < 0.9
    assert "98.5 % sure >= " in verdict.sentence
    assert "on other scenes), gate >= 1: " in verdict.sentence


def test_a_gate_that_asks_for_none_is_about_those_that_were_named() -> None:
    none = gate("blank_image_exact_match", None, 0.0)
    assert judged(right(0, 24), none).status is Status.PASS
    assert judged(right(1, 24), none).status is Status.FAIL


def test_an_exception_among_a_million_is_written_with_the_digits_that_decide() -> None:
    hits = Estimate(
        0.99999, "share", 0.9, 1.0, 100_000, "token", 99_999, "99,999 of 100,000 tokens"
    )
    assert "is 0.99999 (" in judged(hits, AGREE).sentence


@pytest.mark.parametrize(("hits", "status"), [(3, Status.PASS), (2, Status.FAIL)])
def test_a_set_that_stands_for_no_other_is_judged_as_it_is(hits: int, status: Status) -> None:
    verdict = judged(counted_whole(right(hits, 4)), gate("golden_hit", 0.75))
    assert verdict.status is status
    assert verdict.interval == "exact"
    assert f"({hits} of 4 answers, counted whole), gate >= 0.75" in verdict.sentence


@pytest.mark.parametrize(
    ("answers", "gained", "count", "status"),
    [
        (0, 0, 24, Status.INCONCLUSIVE),
        (0, 0, 500, Status.PASS),
        (0, 9, 200, Status.PASS),
        (3, 0, 200, Status.INCONCLUSIVE),
        (6, 0, 200, Status.INCONCLUSIVE),
        (20, 0, 200, Status.FAIL),
    ],
)
def test_a_drop_passes_or_fails_only_where_its_bounds_do(
    answers: int, gained: int, count: int, status: Status
) -> None:
    """Of 200 scenes 4 are the gate: 3 may be 6 on other scenes, and 6 may be 3."""
    assert judged(lost(answers, gained, count), DROP).status is status


def test_a_few_scenes_never_decide_a_ratio() -> None:
    found = ratio([Part(str(n), 10, 10) for n in range(9)], "answer")
    verdict = judged(found, gate("length_ratio", 0.9, 1.1))
    assert verdict.status is Status.INCONCLUSIVE
    assert "is 1 (9 answers, 25 scenes would bound it), gate >= 0.9" in verdict.sentence
    assert judged(found, None, "length_ratio").sentence.endswith(
        "25 scenes are needed to propose one"
    )


def test_a_missing_gate_is_proposed_beyond_the_bound() -> None:
    verdict = judged(lost(4), None, "exact_match_drop")
    assert verdict.status is Status.NO_GATE
    assert verdict.upper is not None
    assert verdict.proposal is not None
    assert verdict.proposal.max == pytest.approx(1.05 * verdict.upper, rel=0.01)
    assert verdict.proposal.min is None


def test_what_fails_on_scenes_is_never_measured_again() -> None:
    assert not needs_rerun(judged(lost(20), DROP).status, "exact_match_drop")

"""Accuracy lost is judged by what other images might have shown, on either side."""

from __future__ import annotations

from datetime import date

import pytest

from harness.measure.accuracy_delta import ScoredPair, judge_drop
from harness.measure.cold_rerun import needs_rerun
from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.verdict import Status, Verdict

HOST = Context("tiny_smolvlm", "host", mode="kv", precision="8da4w")
GATE = Gate(
    metric="exact_match_drop",
    model="tiny_smolvlm",
    max=0.02,
    confidence="derived",
    source="acceptance",
    since=date(2026, 11, 23),
)


def judged(
    wrong: int,
    gained: int = 0,
    images: int = 200,
    gate: Gate | None = GATE,
    context: Context = HOST,
) -> Verdict:
    """So many answers became wrong, and so many right that had been wrong."""
    scores = [(1.0, 0.0)] * wrong + [(0.0, 1.0)] * gained
    scores += [(1.0, 1.0)] * (images - len(scores))
    pairs = [ScoredPair(f"image {n}", *both) for n, both in enumerate(scores)]
    provenance = Provenance("run 1", date(2026, 11, 26))
    return judge_drop(pairs, gate, "exact_match_drop", context, provenance=provenance)


@pytest.mark.parametrize(
    ("wrong", "gained", "status"),
    [
        (0, 0, Status.PASS),
        (0, 9, Status.PASS),
        (1, 0, Status.PASS),
        (3, 0, Status.INCONCLUSIVE),
        (4, 0, Status.INCONCLUSIVE),
        (6, 0, Status.INCONCLUSIVE),
        (20, 0, Status.FAIL),
    ],
)
def test_a_drop_passes_or_fails_only_where_its_bounds_do(
    wrong: int, gained: int, status: Status
) -> None:
    """Of 200 images 4 are the gate: 3 may be 6 on other images, and 6 may be 3."""
    assert judged(wrong, gained).status is status


def test_no_difference_at_all_is_bounded_by_0() -> None:
    verdict = judged(0, images=24)
    assert (verdict.median, verdict.lower, verdict.upper) == (0.0, 0.0, 0.0)
    assert verdict.sentence == (
        "exact_match_drop of tiny_smolvlm 8da4w kv on host is 0 (95 % sure >= 0, 95 % sure <= 0, "
        "24 images), gate <= 0.02: pass"
    )


def test_the_sentence_gives_the_drop_and_both_bounds() -> None:
    verdict = judged(4)
    assert verdict.median == 0.02
    assert verdict.lower is not None
    assert verdict.upper is not None
    assert verdict.lower < 0.02 < verdict.upper
    told = f"is 0.02 (95 % sure >= {verdict.lower:.4g}, 95 % sure <= {verdict.upper:.4g}, 200 "
    assert told in verdict.sentence
    assert verdict.sentence.endswith("inconclusive, ask about more images")


def test_a_few_images_never_pass() -> None:
    verdict = judged(0, images=9)
    assert verdict.status is Status.INCONCLUSIVE
    assert "is 0 (10 images would bound it, 9 images), gate <= 0.02: inconc" in verdict.sentence


def test_a_missing_gate_is_proposed_beyond_the_upper_bound() -> None:
    verdict = judged(4, gate=None)
    assert verdict.status is Status.NO_GATE
    assert verdict.upper is not None
    assert verdict.proposal is not None
    assert verdict.proposal.max == pytest.approx(1.05 * verdict.upper, rel=0.01)
    assert verdict.proposal.min is None


@pytest.mark.parametrize("context", [HOST, Context("tiny_smolvlm", "emulator", "SM8650", "kv")])
def test_a_few_images_propose_no_gate(context: Context) -> None:
    sentence = judged(0, images=9, gate=None, context=context).sentence
    assert sentence.endswith(" and has no gate; 10 images are needed to propose one")


def test_a_drop_that_fails_is_never_measured_again() -> None:
    assert not needs_rerun(judged(20).status, "exact_match_drop")


def test_a_drop_needs_answers() -> None:
    with pytest.raises(ValueError, match="no answers"):
        judged(0, images=0)

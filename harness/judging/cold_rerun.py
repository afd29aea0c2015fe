"""What is red is measured once more from cold before it counts (statistics §2.7)."""

from __future__ import annotations

from harness.judging.conclusion import status_of
from harness.measure.cold_rerun import settle
from harness.measure.wording import number
from harness.results.rows.schema import ComparisonRow, VerdictRow


def settled_verdict(first: VerdictRow, rerun: VerdictRow) -> VerdictRow:
    """What counts after a red verdict was measured again, with both medians in its sentence.

    Args:
        first: Red.
        rerun: The verdict on the samples of the cold session alone.
    """
    status = settle(first.status, rerun.status)
    before = "no median" if first.median is None else f"a median of {number(first.median)}"
    told = f"measured again from cold after {before} failed: {status.value}"
    sentence = f"{rerun.sentence}; {told}"
    return rerun.model_copy(update={"status": status, "sentence": sentence, "proposed_gate": None})


def settled_comparison(first: ComparisonRow, rerun: ComparisonRow) -> ComparisonRow:
    """What counts after a slower candidate was compared again, with both ratios in its sentence.

    Args:
        first: Slower.
        rerun: The comparison of the cold session's runs alone.
    """
    status = settle(status_of(first), status_of(rerun))
    outcome = rerun.outcome if status_of(rerun) is status else "inconclusive"
    ratio = "no ratio" if first.ratio is None else f"a ratio of {first.ratio:.4f}"
    told = f"compared again from cold after {ratio} was slower: {outcome}"
    return rerun.model_copy(update={"outcome": outcome, "sentence": f"{rerun.sentence}; {told}"})

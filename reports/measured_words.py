"""What stands below a measured number: its interval, what that rests on, its room to the gate."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.measure.statistics import coefficient_of_variation
from harness.measure.wording import number, plural
from harness.results.rows.schema import SampleRow, VerdictRow
from reports.accuracy_table import is_of_accuracy
from reports.wording import measured, percent

_FAR_INSIDE = 2.0
"""From here a multiple of the gate is easier to read; only a lower bound leaves so much room."""


def interval_words(row: VerdictRow, samples: Sequence[SampleRow]) -> tuple[str, ...]:
    """Bounds, what they rest on, and how runs scatter."""
    if row.lower is None or row.upper is None:
        return (_counted(row) or plural(row.n_samples, "run"), *_scatter(samples))
    if row.interval == "exact" or (row.interval is None and row.lower == row.upper):
        return ("exact", *filter(None, (_counted(row),)))
    # Answers repeat exactly: what may be different is which images were asked about.
    resampled = is_of_accuracy(row.metric) if row.interval is None else row.interval != "median"
    within = f"{measured(row.lower, row.unit)} to {measured(row.upper, row.unit)}"
    if row.is_of_named_scenes:
        return (_counted(row), f"other images: {within}")
    if resampled:
        return (within, _counted(row) or "images resampled")
    return (within, plural(row.n_samples, "run"), *_scatter(samples))


def _counted(row: VerdictRow) -> str:
    """``23 of 24 answers``; empty where nothing was counted."""
    if row.count_of is None:
        return ""
    units = plural(row.count_of, row.counted or "unit")
    return units if row.count is None else f"{number(row.count)} of {units}"


def _scatter(samples: Sequence[SampleRow]) -> tuple[str, ...]:
    values = [sample.value for sample in samples if sample.valid and math.isfinite(sample.value)]
    scatter = coefficient_of_variation(values)
    return (f"CV {percent(scatter)}",) if scatter else ()


def margin_words(margin: float) -> str:
    """``5.3 % inside``, or a multiple of a gate that is far off."""
    if margin == 0:
        return "no room"
    if margin >= _FAR_INSIDE:
        return f"{1 + margin:.3g} times the gate"
    return f"{percent(abs(margin))} {'inside' if margin >= 0 else 'outside'}"

"""Gates proposed from what was measured, as rows to paste into ``thresholds/<model>.toml``."""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from datetime import date

from harness.measure.gate import SELECTORS, Context, Gate
from harness.measure.metrics import get_metric
from harness.measure.wording import render_row

MARGIN = 0.05
"""Share by which a proposed bound stays clear of the measured median's own bound.

A gate at the observed median calls half of all unchanged builds slower; 5 % away, runs that
scatter by 3 % always pass (simulated in the tests of the verdicts).
"""

# Three significant digits, rounded away from what was measured.
_FLOOR = decimal.Context(prec=3, rounding=decimal.ROUND_FLOOR)
_CEILING = decimal.Context(prec=3, rounding=decimal.ROUND_CEILING)


@dataclass(frozen=True)
class Provenance:
    """Who measured, and when.

    Attributes:
        source: Run id under which the samples are stored.
        since: Date of the run.
    """

    source: str
    since: date


def propose_gate(
    metric: str, context: Context, lower: float, upper: float, provenance: Provenance
) -> Gate:
    """A gate 5 % beyond the measured bounds, on the side that the metric must not cross.

    Sizes get both sides: an empty file is as wrong as a bloated one. So do answers' lengths.

    Args:
        metric: Name of the metric.
        context: Where it was measured; the gate applies exactly there.
        lower: Lower bound of the median, in the metric's unit.
        upper: Upper bound of the median.
        provenance: Goes into the row.

    Raises:
        UserError: If there is no such metric.
    """
    described = get_metric(metric)
    both = described.kind == "size" or described.two_sided
    minimum = _FLOOR.create_decimal(repr(lower - MARGIN * abs(lower)))
    maximum = _CEILING.create_decimal(repr(upper + MARGIN * abs(upper)))
    return Gate(
        metric=metric,
        model=context.model,
        **{name: getattr(context, name) for name in SELECTORS},
        protocol=context.protocol,
        workload=context.workload,
        min=float(minimum) if both or described.better == "higher" else None,
        max=float(maximum) if both or described.better == "lower" else None,
        confidence="measured",
        source=provenance.source,
        since=provenance.since,
    )


def render_gate(gate: Gate) -> str:
    """The gate as a ``[[gate]]`` row of TOML, without the model, which is the file's name."""
    return render_row("gate", gate.model_dump(exclude={"model"}, exclude_defaults=True))

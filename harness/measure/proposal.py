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


_BUSY_LOAD = 1.25
"""By core. A runner alone keeps every core busy, which is 1."""

_BUSY_SCATTER = 0.1
"""Coefficient of variation. Runs on a quiet machine scatter by 1 to 3 %."""


@dataclass(frozen=True)
class Provenance:
    """Who measured, and when.

    Attributes:
        source: Run id under which the samples are stored.
        since: Date of the run.
        load: Processes that wanted to run at its end, by core of the machine that was measured;
            None where nobody knows, as of a phone.
    """

    source: str
    since: date
    load: float | None = None


def unrest(scatter: float | None, provenance: Provenance) -> str | None:
    """Why no gate of speed should be made of some runs; None if the machine was quiet.

    A gate from a busy machine is one that everything passes for ever.

    Args:
        scatter: Coefficient of variation of the runs.
        provenance: Of them.
    """
    found = []
    if scatter is not None and scatter > _BUSY_SCATTER:
        found.append(f"these scatter by {scatter:.0%}".replace("%", " %"))
    if provenance.load is not None and provenance.load > _BUSY_LOAD:
        found.append(f"the machine had {provenance.load:.1f} processes to run by core")
    return " and ".join(found) or None


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

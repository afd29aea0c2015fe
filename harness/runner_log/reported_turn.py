"""The statistics that a runner reports for one turn, before anything is read around them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import UserError
from harness.measure.run_stats import RunStats


@dataclass(frozen=True)
class ReportedTurn:
    """One turn as a runner's output tells it.

    Attributes:
        stats: Counts and durations.
        rates: Rates as printed, tokens per second by metric name; those that the runner could not
            divide (0 ms) are left out.
        line: Line of the output, counted from 1, at which the report ends.
    """

    stats: RunStats
    rates: Mapping[str, float]
    line: int


def finite_rates(values: Mapping[str, float | None]) -> dict[str, float]:
    """The rates among values that are numbers: a 0 ms phase prints ``inf``, ``nan``, or nothing."""
    return {
        name: value
        for name, value in values.items()
        if name.endswith("_tps") and value is not None and math.isfinite(value)
    }


def check_durations(stats: RunStats, line: int) -> None:
    """Reject durations that ran backwards, as a clock set during the run makes them.

    Upstream stamps with the wall clock (contract §5.6).

    Raises:
        UserError: If a duration is negative.
    """
    for name, duration_ms in stats:
        if name.endswith("_ms") and duration_ms is not None and duration_ms < 0:
            raise UserError(
                f"The runner reports {name} = {duration_ms:g} ms up to line {line} of its output:"
                " the device's clock was set back during the run; run it again."
            )

"""Speeds that are no phone's: those of virtual phones, and of targets that measure none.

A figure of this kind is told as what computed it, wherever it is shown, and never stands in one
series with a phone's.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.measure.metrics import METRICS
from harness.results.run import Run
from harness.results.series import MeasuredRow
from harness.targets.registry import speedless_targets

VIRTUAL_PHONE = "virtual phone"
RUNNER_FACT = "virtual_runner"
"""What a ``DeviceRow`` calls the runner of a virtual phone, in words."""


def stand_in(metric: str, target: str | None, is_virtual: bool) -> str | None:
    """What computed a speed in a phone's place, in words.

    Args:
        metric: Name of the metric.
        target: Where it was measured.
        is_virtual: Whether the device is virtual.

    Returns:
        None for a device's own speed, and for what does not depend on who computes it.
    """
    known = METRICS.get(metric)
    if known is None or known.kind != "performance":
        return None
    if is_virtual:
        return VIRTUAL_PHONE
    return target if target in speedless_targets() else None


def stand_in_of(row: MeasuredRow, run: Run) -> str | None:
    """The same for a row of a run."""
    return stand_in(row.metric, row.target, row.device in run.virtual_devices)


def banners(run: Run) -> Iterator[str]:
    """What a reader of a run has to know before any of its speeds, a sentence or two each."""
    yield from run.clock_sentences
    if run.virtual_devices:
        names = ", ".join(sorted(run.virtual_devices))
        known = {str(told) for one in run.devices if (told := one.facts.get(RUNNER_FACT))}
        runner = f"; its runner is {' and '.join(sorted(known))}" if known else ""
        yield (
            f"Measured on a virtual phone ({names}), which this machine computes{runner}. Its "
            "answers and files are judged; its rates, times and memory say nothing about a "
            "Snapdragon."
        )
    rows: tuple[MeasuredRow, ...] = (*run.samples, *run.verdicts)
    measured = {row.target for row in rows if stand_in_of(row, run)}
    for name, target in speedless_targets().items():
        if name in measured:
            yield f"Rates, times and memory of the {name}: {target.why_no_speed}."

"""Trends that turned to the worse: one series per model, metric and physical device.

Never pooled over devices: they differ more than what is looked for (statistics §2.6). A run
gives one point, the median of its valid samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from harness.measure.change_point import ChangePoint, alerts
from harness.measure.metrics import METRICS
from harness.measure.wording import number
from harness.options.command_line import command_line
from harness.results.query import nightly, up_to
from harness.results.series import Series
from harness.targets.registry import speedless_targets

TREND_SPAN = timedelta(days=90)
"""How far back trends are looked at."""


@dataclass(frozen=True)
class TrendAlert:
    """A change to the worse that the latest run brought to light.

    Attributes:
        series: What changed.
        before: The last run of the level before.
        since: The run that the new level began with.
        change: The levels.
        unit: Of the levels.
    """

    series: Series
    before: str
    since: str
    change: ChangePoint
    unit: str

    @property
    def sentence(self) -> str:
        """What changed where, by how much and since when."""
        percent = f"{self.change.ratio - 1:+.1%}".replace("%", " %")
        return (
            f"{self.series.metric} of {self.series.place} changed by {percent} since run "
            f"{self.since}: {number(self.change.before)} to {number(self.change.after)} "
            f"{self.unit}; see what changed with: "
            f"{command_line('compare', {'first_run': self.before, 'second_run': self.since})}"
        )


def find_trend_alerts(
    samples: pd.DataFrame, verdicts: pd.DataFrame, run_id: str
) -> tuple[TrendAlert, ...]:
    """Alerts of one run against all runs before it.

    Args:
        samples: ``History.samples``, in the order of the runs; later ones are ignored.
        verdicts: ``History.verdicts`` of the same runs.
        run_id: The run that is the latest point of every series.
    """
    points = nightly(_of_devices(up_to(samples, run_id)), verdicts)
    return tuple(
        alert
        for _, series in points.groupby("series", sort=False)
        if series["run_id"].iloc[-1] == run_id
        for alert in _alerts(series)
    )


def _of_devices(samples: pd.DataFrame) -> pd.DataFrame:
    """What says something of a device: neither a virtual phone's nor an emulator's speed does."""
    speeds = [name for name, metric in METRICS.items() if metric.kind == "performance"]
    is_speed = samples["metric"].isin(speeds)
    is_meaningless = is_speed & samples["target"].isin(speedless_targets()).fillna(False)
    return samples[~(samples["virtual"].fillna(False) | is_meaningless)]


def _alerts(series: pd.DataFrame) -> Iterator[TrendAlert]:
    values = series["median"].astype(float).tolist()
    last = series.iloc[-1]
    metric = METRICS.get(str(last["metric"]))
    # What is 0 or infinite (no wrong answer, two equal outputs) has no ratio to anything.
    if metric is None or not all(math.isfinite(value) and value > 0 for value in values):
        return
    of = Series.of_record(last.to_dict())
    for change in alerts(values, metric.better):
        before, since = series["run_id"].iloc[[change.index - 1, change.index]]
        yield TrendAlert(of, str(before), str(since), change, str(last["unit"]))

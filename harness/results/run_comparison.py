"""Two runs side by side: what got better or worse, and what else is different between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.measure.metrics import METRICS
from harness.results.history import History
from harness.results.query import SERIES, measured, summarize

COMPARED = (
    *SERIES,
    "unit",
    "median_1",
    "median_2",
    "change",
    "bounds_overlap",
    "status_1",
    "status_2",
    "better",
)
"""Columns of ``RunComparison.rows``."""


@dataclass(frozen=True)
class Difference:
    """One circumstance in which two runs differ.

    Attributes:
        name: ``git_commit``, ``torch``, ``--mode``, ...
        first: As in the first run; None where it was absent.
        second: As in the second run.
    """

    name: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class RunComparison:
    """What two runs measured, side by side.

    They were measured at different times, so a difference between medians may be the device's and
    not the artifact's: ``pytest -m perf --compare`` measures two artifacts in turn and decides.

    Attributes:
        rows: One row per series that both runs or one of them measured, columns ``COMPARED``.
            ``change`` is the second median over the first, minus 1. ``bounds_overlap`` says
            whether the 95 % bounds of the medians overlap; missing where a run has no bounds.
            ``better`` says whether the change is an improvement; missing where nothing changed.
        differences: In versions, options and commit.
    """

    rows: pd.DataFrame
    differences: tuple[Difference, ...]


def compare_runs(history: History, first: str, second: str) -> RunComparison:
    """Lay two runs side by side.

    Args:
        history: With both runs in it.
        first: Name of a run.
        second: Name of the run to compare it with.
    """
    sides = [_side(history, run_id, number) for number, run_id in enumerate((first, second), 1)]
    rows = sides[0].merge(sides[1], on=list(SERIES), how="outer")
    rows["unit"] = rows["unit_1"].fillna(rows["unit_2"])
    rows["change"] = rows["median_2"] / rows["median_1"] - 1
    rows["bounds_overlap"] = (rows["lower_1"] <= rows["upper_2"]) & (
        rows["lower_2"] <= rows["upper_1"]
    )
    higher = rows["metric"].map(lambda name: _is_higher_better(str(name))).astype("boolean")
    rows["better"] = ((rows["change"] > 0) == higher).mask(
        rows["change"].isna() | (rows["change"] == 0)
    )
    return RunComparison(rows[list(COMPARED)], tuple(_differences(history, first, second)))


def _is_higher_better(metric: str) -> bool | None:
    known = METRICS.get(metric)
    return None if known is None else known.better == "higher"


def _side(history: History, run_id: str, number: int) -> pd.DataFrame:
    samples = measured(history.samples[history.samples["run_id"] == run_id])
    medians = summarize(samples, [*SERIES, "unit"])[[*SERIES, "unit", "median", "lower", "upper"]]
    verdicts = history.verdicts[history.verdicts["run_id"] == run_id]
    statuses = verdicts.sort_values("cold_session").drop_duplicates(list(SERIES), keep="last")
    side = medians.merge(statuses[[*SERIES, "status"]], on=list(SERIES), how="left")
    own = {name: f"{name}_{number}" for name in side.columns if name not in SERIES}
    return side.rename(columns=own)


def _differences(history: History, first: str, second: str) -> Iterator[Difference]:
    one, other = (_circumstances(history, run_id) for run_id in (first, second))
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield Difference(name, one.get(name), other.get(name))


def _circumstances(history: History, run_id: str) -> dict[str, str]:
    """Commit, versions, options, machine and devices of a run's first process, as texts."""
    sessions = history.sessions[history.sessions["run_id"] == run_id]
    if sessions.empty:
        return {}
    session = sessions.sort_values("started_at").iloc[0]
    found = {"git_commit": None if pd.isna(session["git_commit"]) else session["git_commit"]}
    found |= _table(session["versions"])
    found |= {f"--{n.replace('_', '-')}": v for n, v in _table(session["options"]).items()}
    found |= {f"host {name}": value for name, value in _table(session["host"]).items()}
    devices = history.devices[history.devices["run_id"] == run_id]
    for device in devices.to_dict("records"):
        for name in ("fingerprint", "qnn_version"):
            found[f"{name} of {device['device']}"] = device[name]
    return {name: str(value) for name, value in found.items() if not _is_missing(value)}


def _table(text: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(text)
    return table


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA

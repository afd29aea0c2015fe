"""Two runs side by side: what got better or worse, and what else is different between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.measure.metrics import METRICS
from harness.results.facts import Fact, device_facts, session_facts
from harness.results.history import History
from harness.results.query import measured, summarize
from harness.results.series import SERIES, final_frame

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
class RunComparison:
    """What two runs measured, side by side.

    They were measured at different times, so a difference between medians may be the device's and
    not the artifact's: ``pytest -m perf --compare`` measures two artifacts in turn and decides.

    Attributes:
        rows: One row per series that both runs or one of them measured, columns ``COMPARED``.
            ``change`` is the second median over the first, minus 1. ``bounds_overlap`` says
            whether the 95 % bounds of the medians overlap; missing where a run has no bounds.
            ``better`` says whether the change is an improvement; missing where nothing changed.
        differences: In commit, versions, options, machine, devices, gates and artifacts.
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
    return RunComparison(rows[list(COMPARED)], find_differences(history, first, second))


def _is_higher_better(metric: str) -> bool | None:
    known = METRICS.get(metric)
    return None if known is None else known.better == "higher"


def _side(history: History, run_id: str, number: int) -> pd.DataFrame:
    samples = measured(history.samples[history.samples["run_id"] == run_id])
    medians = summarize(samples, [*SERIES, "unit"])[[*SERIES, "unit", "median", "lower", "upper"]]
    verdicts = final_frame(history.verdicts[history.verdicts["run_id"] == run_id])
    statuses = verdicts.drop_duplicates(list(SERIES), keep="last")
    side = medians.merge(statuses[[*SERIES, "status"]], on=list(SERIES), how="left")
    own = {name: f"{name}_{number}" for name in side.columns if name not in SERIES}
    return side.rename(columns=own)


@dataclass(frozen=True)
class Difference:
    """One fact that differs.

    Attributes:
        group: Kind of fact, ``package`` for instance.
        name: Which one.
        before: In the first run; None where it was absent.
        after: In the second run; None where it is absent.
    """

    group: str
    name: str
    before: str | None
    after: str | None


def find_differences(history: History, first: str, second: str) -> tuple[Difference, ...]:
    """One run against another.

    Args:
        history: With sessions, devices and verdicts of both runs.
        first: Name of a run.
        second: Name of the run to compare it with.
    """
    then, now = _facts(history, first), _facts(history, second)
    found = (
        Difference(group, name, then.get((group, name)), now.get((group, name)))
        for group, name in dict.fromkeys((*then, *now))
    )
    return tuple(one for one in found if one.before != one.after and not _is_unasked(one))


def _is_unasked(difference: Difference) -> bool:
    """Whether one of the runs just did not judge that configuration."""
    absent = difference.before is None or difference.after is None
    return absent and difference.group in ("artifact", "gate")


def _facts(history: History, run_id: str) -> Mapping[tuple[str, str], str]:
    facts: dict[tuple[str, str], str] = {}
    for parts in (_session, _devices, _gates, _artifacts):
        facts.update(parts(history, run_id))
    return facts


def _rows(frame: pd.DataFrame, run_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame[frame["run_id"] == run_id].to_dict("records")
    return rows


def _session(history: History, run_id: str) -> Iterator[Fact]:
    rows = sorted(_rows(history.sessions, run_id), key=lambda row: row["started_at"])
    for row in rows[:1]:
        yield from session_facts(row)


def _devices(history: History, run_id: str) -> Iterator[Fact]:
    for row in _rows(history.devices, run_id):
        yield from device_facts(row)


def _gates(history: History, run_id: str) -> Iterator[Fact]:
    where = ("metric", "model", "component", "mode", "precision", "soc", "target")
    for row in _rows(history.verdicts, run_id):
        sides = (("≥", row["gate_min"]), ("≤", row["gate_max"]))
        bound = " ".join(f"{sign} {limit:g}" for sign, limit in sides if not pd.isna(limit))
        if bound:
            name = " ".join(str(row[field]) for field in where if not pd.isna(row[field]))
            protocol = " (upstream protocol)" if row["protocol"] == "upstream" else ""
            yield ("gate", f"{name}{protocol}"), bound


def _artifacts(history: History, run_id: str) -> Iterator[Fact]:
    where = ("model", "mode", "precision", "target", "soc")
    for row in _rows(history.verdicts, run_id):
        if not pd.isna(row["artifact_key"]):
            name = " ".join(str(row[field]) for field in where if not pd.isna(row[field]))
            yield ("artifact", name), str(row["artifact_key"])[:12]

"""Two runs side by side: what got better or worse, and what else is different between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.measure.comparison import NOISE_FLOOR
from harness.measure.metrics import METRICS
from harness.measure.verdict import Status
from harness.measure.wording import number
from harness.results.facts import Fact, device_facts, session_facts
from harness.results.history import History
from harness.results.query import measured, summarize
from harness.results.runs import is_controller
from harness.results.series import MEASURED_BY, SERIES, final_frame

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
    "artifact_1",
    "artifact_2",
)
"""Columns of ``RunComparison.rows``."""


@dataclass(frozen=True)
class RunComparison:
    """What two runs measured, side by side.

    They were measured at different times, so a difference between medians may be the device's and
    not the artifact's: ``pytest -m perf --compare`` measures two artifacts in turn and decides.

    Attributes:
        rows: One row per series that both runs or one of them measured, columns ``COMPARED``. Of
            several artifacts of one series each has its own, beside the same one of the other run.
            ``change`` is the second median over the first, minus 1. ``bounds_overlap`` says
            whether the 95 % bounds of the medians overlap; missing where a run has no bounds.
            ``better`` says whether the change is an improvement; missing where nothing changed.
        differences: In commit, versions, options, machine, devices, gates and artifacts.
    """

    rows: pd.DataFrame
    differences: tuple[Difference, ...]

    @property
    def changed(self) -> pd.DataFrame:
        """Rows with another verdict, or another median than noise explains; the largest first.

        A speed without bounds has changed where it did by more than devices differ from themselves.
        """
        rows = self.rows
        moved = (rows["change"] != 0).fillna(False)
        is_speed = rows["metric"].map(lambda name: _kind(str(name)) == "performance").astype(bool)
        is_noise = is_speed & (rows["change"].abs() <= NOISE_FLOOR).fillna(True)
        beyond = moved & ~rows["bounds_overlap"].fillna(is_noise).astype(bool)
        turned = (rows["status_1"] != rows["status_2"]).fillna(False)
        found = rows[beyond | turned]
        distance = (1 + found["change"].fillna(0)).map(_distance)
        return found.loc[distance.sort_values(ascending=False, kind="stable").index]

    @property
    def one_sided(self) -> pd.DataFrame:
        """Rows of which one of the runs measured nothing."""
        return self.rows[self.rows["median_1"].isna() | self.rows["median_2"].isna()]


def compare_runs(history: History, first: str, second: str) -> RunComparison:
    """Lay two runs side by side.

    Args:
        history: With both runs in it.
        first: Name of a run.
        second: Name of the run to compare it with.
    """
    sides = _paired([_side(history, run_id) for run_id in (first, second)])
    on = [*SERIES, "virtual", "pairing"]
    rows = sides[0].merge(sides[1], on=on, how="outer", suffixes=("_1", "_2"))
    rows["unit"] = rows["unit_1"].fillna(rows["unit_2"])
    # Twice 0 or twice infinity has no ratio, and is no change.
    is_same = (rows["median_1"] == rows["median_2"]).fillna(False)
    rows["change"] = (rows["median_2"] / rows["median_1"] - 1).mask(is_same, 0.0)
    rows["bounds_overlap"] = (rows["lower_1"] <= rows["upper_2"]) & (
        rows["lower_2"] <= rows["upper_1"]
    )
    higher = rows["metric"].map(lambda name: _is_higher_better(str(name))).astype("boolean")
    rows["better"] = ((rows["change"] > 0) == higher).mask(
        rows["change"].isna() | (rows["change"] == 0)
    )
    return RunComparison(rows[list(COMPARED)], find_differences(history, first, second))


def _kind(metric: str) -> str | None:
    known = METRICS.get(metric)
    return None if known is None else known.kind


def _distance(ratio: float) -> float:
    """How far a ratio is from 1, whichever way; infinite for one from or to 0."""
    return abs(math.log(ratio)) if ratio > 0 and math.isfinite(ratio) else math.inf


def _is_higher_better(metric: str) -> bool | None:
    known = METRICS.get(metric)
    return None if known is None else known.better == "higher"


def _side(history: History, run_id: str) -> pd.DataFrame:
    of = list(MEASURED_BY)
    samples = measured(history.samples[history.samples["run_id"] == run_id])
    kept = [*of, "unit", "virtual"]
    medians = summarize(samples, kept)[[*kept, "median", "lower", "upper"]]
    verdicts = final_frame(history.verdicts[history.verdicts["run_id"] == run_id])
    judged = verdicts.drop_duplicates(of, keep="last")[[*of, "status", "lower", "upper"]]
    side = medians.merge(judged, on=of, how="left", suffixes=("", "_judged"))
    # Of a share there is one sample, and what other scenes might show only its verdict knows.
    for name in ("lower", "upper"):
        side[name] = side[name].fillna(side.pop(f"{name}_judged"))
    return side.rename(columns={"artifact_key": "artifact"})


def _paired(sides: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Sides with a column by which their rows of one series belong together.

    One artifact of each run needs nothing more than the series. Where a run has several, only the
    same artifact is a counterpart.
    """
    series = [*SERIES, "virtual"]
    both = pd.concat(sides, keys=[0, 1], names=["side"]).reset_index("side")
    artifacts = both.groupby(["side", *series], dropna=False)["unit"].transform("size")
    is_single = both.assign(n=artifacts).groupby(series, dropna=False)["n"].transform("max") == 1
    both["pairing"] = both["artifact"].fillna("").mask(is_single, "")
    return [both[both["side"] == number].drop(columns="side") for number in (0, 1)]


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
    rows = _rows(history.sessions, run_id)
    for row in sorted(rows, key=lambda row: not is_controller(row["worker"]))[:1]:
        yield from session_facts(row)


def _devices(history: History, run_id: str) -> Iterator[Fact]:
    for row in _rows(history.devices, run_id):
        yield from device_facts(row)


def _gates(history: History, run_id: str) -> Iterator[Fact]:
    where = ("metric", "model", "component", "mode", "precision", "soc", "target")
    for row in _rows(history.verdicts, run_id):
        sides = (("≥", row["gate_min"]), ("≤", row["gate_max"]))
        bound = " ".join(
            f"{sign} {number(limit, digits=10)}" for sign, limit in sides if not pd.isna(limit)
        )
        if bound or row["status"] == Status.NO_GATE.value:
            name = " ".join(str(row[field]) for field in where if not pd.isna(row[field]))
            name += " (upstream protocol)" if row["protocol"] == "upstream" else ""
            name += "" if pd.isna(row["workload"]) else f" ({row['workload']})"
            yield ("gate", name), bound or "none"


def _artifacts(history: History, run_id: str) -> Iterator[Fact]:
    where = ("model", "mode", "precision", "target", "soc")
    for row in _rows(history.verdicts, run_id):
        if not pd.isna(row["artifact_key"]):
            name = " ".join(str(row[field]) for field in where if not pd.isna(row[field]))
            yield ("artifact", name), str(row["artifact_key"])[:12]

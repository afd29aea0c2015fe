"""The run that ``--baseline latest-green`` or ``latest-green-anywhere`` names, or why none does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.measure.gate import Context
from harness.measure.metrics import COMPARED_SPEEDS
from harness.measure.verdict import Status
from harness.measure.wording import plural
from harness.results.history import History, load_history
from harness.results.series import CONFIGURATION
from harness.vocabulary import KvEncodings


@dataclass(frozen=True)
class Lane:
    """What nights must have alike to be compared.

    Attributes:
        context: Model, target, SoC, mode, precision and protocol.
        device: Serial or host id whose speed must have been measured; None for machines that are
            others every night: then a run on any of them will do, whatever it judged.
        kv_encodings: Of the artifacts.
        qnn_version: Of the libraries that run there; None without QNN or where it is unknown.
    """

    context: Context
    device: str | None
    kv_encodings: KvEncodings = "shared"
    qnn_version: str | None = None

    def describe(self) -> str:
        """``tiny_smolvlm fp32 kv on phone SM8650, device R5C``."""
        where = "any device" if self.device is None else f"device {self.device}"
        return f"{self.context.describe()}, {where}"


@dataclass(frozen=True)
class GreenArtifact:
    """What the last green run of a lane measured.

    Attributes:
        key: Of the artifact.
        run_id: The run.
        commit: Of the run's session; None outside of a repository.
    """

    key: str
    run_id: str
    commit: str | None = None


@dataclass(frozen=True)
class Search:
    """What was looked at, the latest run first.

    Attributes:
        found: None where no run will do.
        refused: How many runs did not do, by reason.
    """

    found: GreenArtifact | None
    refused: Mapping[str, int]

    @property
    def told(self) -> str:
        """Which runs were looked at and why each did not do, with their counts."""
        runs = sum(self.refused.values())
        if not runs:
            return "there is no run yet"
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.refused.items())
        return f"of {plural(runs, 'run')} {reasons}"


def find_latest_green(results: Path, lane: Lane) -> Search:
    """The last green run with this lane's performance in it, on this device.

    An artifact that was found slower is passed over until a comparison of it ends otherwise: gates
    alone may let it pass, and as a baseline it would let all that follow it pass as well.
    """
    history = load_history(results, tables={"sessions", "devices", "verdicts", "comparisons"})
    slower = _slower_keys(history.comparisons, lane)
    refused: Counter[str] = Counter()
    for run in reversed(history.runs.to_dict("records")):
        outcome = _look(history, run, lane, slower)
        if isinstance(outcome, GreenArtifact):
            return Search(outcome, refused)
        refused[outcome] += 1
    return Search(None, dict(refused.most_common()))


def _look(
    history: History, run: Mapping[str, Any], lane: Lane, slower: set[str]
) -> GreenArtifact | str:
    """What a run measured, or why it does not do."""
    if pd.isna(run["finished"]) or not run["finished"]:
        return "did not finish"
    if pd.isna(run["exit_status"]) or run["exit_status"] != 0:
        return "not green"
    verdicts = history.verdicts[history.verdicts["run_id"] == run["run_id"]]
    judged = verdicts[verdicts["status"] == Status.PASS.value]
    if lane.device is not None:
        judged = judged[judged["metric"].isin(COMPARED_SPEEDS)]
    if judged.empty:
        return "without performance" if lane.device is not None else "without verdicts"
    for name, rows in _narrowed(judged, lane):
        if rows.empty:
            return f"of another {name}"
        judged = rows
    reason = "without an artifact's key"
    for row in reversed(judged[judged["artifact_key"].notna()].to_dict("records")):
        other = _other_lane(history, row, lane)
        if other is None and row["artifact_key"] not in slower:
            commit = None if pd.isna(run["git_commit"]) else str(run["git_commit"])
            return GreenArtifact(str(row["artifact_key"]), str(run["run_id"]), commit)
        reason = other or "with an artifact that was found slower"
    return reason


def _narrowed(rows: pd.DataFrame, lane: Lane) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows that agree with a lane in one field more each time."""
    # Both sides are measured anew with one workload, so a green run's own matters nothing.
    names = (name for name in CONFIGURATION if name != "workload")
    fields = {name: getattr(lane.context, name) for name in names}
    place = {} if lane.device is None else {"device": lane.device}
    for name, value in {**fields, **place}.items():
        same = rows[name].isna() if value is None else rows[name] == value
        rows = rows[same.fillna(False)]
        yield "SoC" if name == "soc" else name, rows


def _other_lane(history: History, row: Mapping[str, Any], lane: Lane) -> str | None:
    """In what else a verdict's session and device were of another lane, None if in nothing."""
    session = _of_process(history.sessions, row)
    for one in session.to_dict("records"):
        encodings = json.loads(one["options"]).get("kv_encodings") or "shared"
        if encodings != lane.kv_encodings:
            return f"with {encodings} KV encodings"
    devices = _of_process(history.devices, row)
    for one in devices[devices["device"] == row["device"]].to_dict("records"):
        known = None if pd.isna(one["qnn_version"]) else one["qnn_version"]
        if known is not None and lane.qnn_version is not None and known != lane.qnn_version:
            return f"with QNN {known}"
    return None


def _of_process(frame: pd.DataFrame, row: Mapping[str, Any]) -> pd.DataFrame:
    return frame[(frame["run_id"] == row["run_id"]) & (frame["worker"] == row["worker"])]


def _slower_keys(comparisons: pd.DataFrame, lane: Lane) -> set[str]:
    """Candidates of which some metric was slower when it was last compared in the lane."""
    for _, rows in _narrowed(comparisons, lane):
        comparisons = rows
    last = comparisons.drop_duplicates(["artifact_key", "metric"], keep="last")
    return set(last.loc[last["outcome"] == "slower", "artifact_key"])

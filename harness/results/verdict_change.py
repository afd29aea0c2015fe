"""Why one metric ended otherwise than it did before: its gate, or what was measured.

Two judgements of a metric differ in what it was judged by (its gate), in what was judged (commit,
packages, options, artifact, host, device) and in the measured value. Whoever tells a cause, or puts
a gate aside because there seems to be none, asks here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.measure.metrics import METRICS
from harness.measure.verdict import Status
from harness.measure.wording import bound, number
from harness.results.facts import device_facts, session_facts
from harness.results.history import History
from harness.results.run_comparison import Difference
from harness.results.series import Series, final_frame

_GATE = ("gate_min", "gate_max", "gate_source", "gate_confidence", "gate_since")

UNCHANGED = 0.03
"""Share by which a value may move and still count as unchanged: the noise floor of comparisons."""


@dataclass(frozen=True)
class Judgement:
    """One verdict, and what it came from.

    Attributes:
        series: What was judged.
        run_id: By which run.
        gate: The gate's fields as they were written down.
        facts: By group and name: commit, packages, options, host, device and artifact.
        thresholds: Folder that the gate stands in, as options name it.
    """

    series: Series
    run_id: str
    status: Status
    median: float | None
    lower: float | None
    upper: float | None
    gate: Mapping[str, object]
    facts: Mapping[tuple[str, str], str]
    thresholds: str

    @property
    def bound(self) -> str:
        """The gate's bound as text, empty without one."""
        return bound(*self._sides)

    @property
    def _sides(self) -> tuple[float | None, float | None]:
        low, high = (self.gate[name] for name in _GATE[:2])
        return _number(low), _number(high)

    def is_out_of(self, other: Judgement) -> bool:
        """Whether this value is clearly out of another judgement's gate, as FAIL is."""
        low, high = other._sides
        if self.lower is None or self.upper is None:
            return False
        return (low is not None and self.upper < low) or (high is not None and self.lower > high)


@dataclass(frozen=True)
class VerdictChange:
    """Two judgements of one metric in one place, in the order of time."""

    before: Judgement
    now: Judgement

    @property
    def is_gate_changed(self) -> bool:
        """Whether any field of the gate is another."""
        return self.before.gate != self.now.gate

    @property
    def differences(self) -> tuple[Difference, ...]:
        """In all but the gate and the value."""
        then, now = self.before.facts, self.now.facts
        return tuple(
            Difference(*fact, then.get(fact), now.get(fact))
            for fact in dict.fromkeys((*then, *now))
            if then.get(fact) != now.get(fact)
        )

    @property
    def is_by_gate_alone(self) -> bool:
        """Whether the gate turned the verdict: by the gate before, this value would not fail."""
        return (
            self.is_gate_changed
            and self.now.status is Status.FAIL
            and self.before.status is not Status.FAIL
            and not self.now.is_out_of(self.before)
        )

    @property
    def held(self) -> tuple[str, ...]:
        """What is known to be the same; empty where anything that may matter is not.

        A commit with changes on top of it, or none, is not known to be the same as any other.
        """
        commit = self.now.facts.get(("code", "commit"), "-dirty")
        if self.differences or self.is_gate_changed or commit.endswith("-dirty"):
            return ()
        artifact = self.now.facts.get(("artifact", "key"), "")
        named = f"artifact {artifact}" if artifact else "artifact"
        return (f"commit {commit}", "packages", "options", f"gate {self.now.bound}", named)

    @property
    def gate_sentence(self) -> str:
        """What became of the gate and of the value, ``gate raised from >= 50 to >= 60 in ...``."""
        folder = Path(self.now.thresholds).name
        where = f"in {folder}/{self.now.series.model}.toml"
        then, now = self.before.bound, self.now.bound
        if then == now:
            fields = [name for name in _GATE if self.before.gate[name] != self.now.gate[name]]
            told = ", ".join(name.removeprefix("gate_") for name in fields)
            return f"gate {now} {where} has another {told}, {self._value_words}"
        moved = f"{self._direction} from {then or 'none'} to {now or 'none'}"
        return f"gate {moved} {where}, {self._value_words}"

    @property
    def _direction(self) -> str:
        moves = {
            new > old
            for old, new in zip(self.before._sides, self.now._sides, strict=True)
            if old is not None and new is not None and old != new
        }
        same_sides = [side is None for side in self.before._sides] == [
            side is None for side in self.now._sides
        ]
        if not same_sides or len(moves) != 1:
            return "changed"
        return "raised" if moves.pop() else "lowered"

    @property
    def _value_words(self) -> str:
        then, now = self.before.median, self.now.median
        if now is None:
            return "no value was measured"
        if then is None:
            return f"measured value {number(now)}"
        if abs(now - then) <= UNCHANGED * abs(then):
            return f"measured value unchanged at {number(now)}"
        return f"measured value {number(then)} before and {number(now)} now"


def is_noisy(metric: str) -> bool:
    """Whether a metric scatters from run to run, so that chance alone may turn its verdict."""
    return metric in METRICS and METRICS[metric].kind == "performance"


class Judgements:
    """All verdicts of a history, asked for by run and series.

    Args:
        history: With sessions, devices and verdicts.
    """

    def __init__(self, history: History) -> None:
        self._sessions = _by_process(history.sessions)
        self._devices = _by_process(history.devices)
        self._found: dict[tuple[str, Series], dict[str, Any]] = {}
        for row in final_frame(history.verdicts).to_dict("records"):
            self._found[str(row["run_id"]), Series.of_record(row)] = row

    def of(self, run_id: str, series: Series) -> Judgement | None:
        """The verdict of a run on a series, None where it has none."""
        row = self._found.get((run_id, series))
        return None if row is None else self._judgement(row, series)

    def change(self, before: str, now: str, series: Series) -> VerdictChange | None:
        """What changed for a series between two runs, None unless both judged it."""
        then, later = self.of(before, series), self.of(now, series)
        return VerdictChange(then, later) if then is not None and later is not None else None

    def gate_causes(self, before: str, now: str) -> tuple[str, ...]:
        """A sentence per verdict that a changed gate alone turned red between two runs."""
        series = [of for run_id, of in self._found if run_id == now]
        changes = [change for of in series if (change := self.change(before, now, of))]
        return tuple(
            f"{change.now.series.metric} of {change.now.series.place}: {change.gate_sentence}"
            for change in changes
            if change.is_by_gate_alone
        )

    def _judgement(self, row: Mapping[str, Any], series: Series) -> Judgement:
        process = str(row["run_id"]), str(row["worker"])
        session = (self._sessions.get(process) or [{}])[0]
        return Judgement(
            series=series,
            run_id=process[0],
            status=Status(row["status"]),
            median=_number(row["median"]),
            lower=_number(row["lower"]),
            upper=_number(row["upper"]),
            gate={name: None if pd.isna(row[name]) else row[name] for name in _GATE},
            facts=dict(self._facts(row, process, session)),
            thresholds=_option(session, "thresholds") or "thresholds",
        )

    def _facts(
        self, row: Mapping[str, Any], process: tuple[str, str], session: Mapping[str, Any]
    ) -> Iterator[tuple[tuple[str, str], str]]:
        if session:
            yield from session_facts(session)
        for device in self._devices.get(process, []):
            if device["device"] == row["device"]:
                yield from device_facts(device)
        if not pd.isna(row["artifact_key"]):
            yield ("artifact", "key"), str(row["artifact_key"])[:12]


def _by_process(frame: pd.DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in frame.to_dict("records"):
        rows.setdefault((str(row["run_id"]), str(row["worker"])), []).append(row)
    return rows


def _option(session: Mapping[str, Any], name: str) -> str | None:
    value = json.loads(session["options"]).get(name) if session else None
    return None if value is None else str(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not pd.isna(value) else None

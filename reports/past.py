"""The nights before a run: what a result is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import pandas as pd

from harness.measure.exit_status import INTERRUPTED, UNJUDGED
from harness.results.allowed import find_allowed
from harness.results.history import History, load_history
from harness.results.run import Run
from harness.results.run_comparison import Difference, find_differences

DEFAULT_SPAN = timedelta(days=90)
"""How far back a report looks unless ``--since`` says otherwise."""

_FRAMES = ("sessions", "devices", "samples", "verdicts", "comparisons", "outcomes")
_OPEN = (10, 11, 12, 13)
_UNFINISHED = (INTERRUPTED, UNJUDGED)

Ending = Literal["green", "allowed", "red", "open", "unfinished"]


@dataclass(frozen=True)
class Night:
    """One run among others.

    Attributes:
        run_id: Name of the run.
        started_at: When its first session started.
        ending: ``green`` for exit status 0, ``allowed`` where ``--allow`` made it that, ``open``
            for neither green nor red, ``unfinished`` for one that was cut short or judged nothing.
        allowed: What ``--allow`` let through.
        commit: Of the working tree; None outside of a repository.
    """

    run_id: str
    started_at: datetime
    ending: Ending
    commit: str | None
    allowed: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """``2026-10-01: green``."""
        by = f" only by --allow {','.join(self.allowed)}" if self.allowed else ""
        return f"{self.started_at:%Y-%m-%d}: {'green' if self.allowed else self.ending}{by}"


@dataclass(frozen=True)
class Past:
    """All runs of a results folder up to the reported one, which is the last.

    Attributes:
        nights: Oldest first.
        history: Their rows.
        green: Number among ``nights`` of the last run before this one that ended green and judged
            or compared one of its models on one of its devices; None if there is none.
    """

    nights: tuple[Night, ...]
    history: History
    green: int | None

    @property
    def now(self) -> int:
        """Number of the reported run among ``nights``."""
        return len(self.nights) - 1

    @property
    def endings(self) -> Mapping[str, int]:
        """How many nights ended how, in words."""
        told = {"allowed": "green only by --allow", "open": "neither green nor red"}
        counts = Counter(night.ending for night in self.nights)
        return {told.get(name, name): counts[name] for name in get_args(Ending) if counts[name]}

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The reported run against the last green one; empty without one."""
        if self.green is None:
            return ()
        then, now = (self.nights[night].run_id for night in (self.green, self.now))
        return find_differences(self.history, then, now)


def read_past(run: Run, since: datetime | None = None) -> Past:
    """Read the runs beside a run that are not younger than it.

    Args:
        run: The reported run.
        since: Leave out runs that started earlier; 90 days before the run by default.
    """
    if since is None and run.started_at is not None:
        since = run.started_at - DEFAULT_SPAN
    history = load_history(run.directory.absolute().parent, since, _FRAMES)
    runs = history.runs
    earlier = runs[runs["started_at"].notna() & runs["run_id"].isin(history.up_to(run.run_id))]
    let_through = find_allowed(history)
    nights = tuple(
        _night(row, let_through.get(str(row["run_id"]), ())) for row in earlier.to_dict("records")
    )
    if not nights or nights[-1].run_id != run.run_id:
        # Unknown when it started, or that was before the span: it has no past.
        nights = ()
    return Past(nights, history, _last_green(nights, history, run))


def _night(row: dict[str, object], let_through: tuple[str, ...]) -> Night:
    commit, started_at = row["git_commit"], row["started_at"]
    assert isinstance(started_at, pd.Timestamp)
    ending = _ending(row["exit_status"])
    is_allowed = ending == "green" and bool(let_through)
    return Night(
        run_id=str(row["run_id"]),
        started_at=started_at.to_pydatetime(),
        ending="allowed" if is_allowed else ending,
        commit=commit if isinstance(commit, str) else None,
        allowed=let_through if is_allowed else (),
    )


def _ending(exit_status: object) -> Ending:
    if not isinstance(exit_status, int):
        return "unfinished"
    if exit_status in _UNFINISHED:
        return "unfinished"
    if exit_status == 0:
        return "green"
    return "open" if exit_status in _OPEN else "red"


def _last_green(nights: tuple[Night, ...], history: History, run: Run) -> int | None:
    here = {(row.model, row.device) for row in (*run.verdicts, *run.comparisons)}
    judged = pd.concat(
        [frame[["run_id", "model", "device"]] for frame in (history.verdicts, history.comparisons)]
    )
    alike = {
        str(row["run_id"])
        for row in judged.drop_duplicates().to_dict("records")
        if (_text(row["model"]), _text(row["device"])) in here
    }
    for number in reversed(range(len(nights) - 1)):
        if nights[number].ending == "green" and nights[number].run_id in alike:
            return number
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

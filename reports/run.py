"""One run, read back: its rows by kind and the facts that hold for all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from harness.results.journal import read_rows
from harness.results.rows import (
    AnswerRow,
    OutcomeRow,
    Row,
    SampleRow,
    SessionEndRow,
    SessionRow,
    VerdictRow,
)

RowT = TypeVar("RowT", bound=Row)

INTERRUPTED = 2
"""Exit status that pytest uses after Ctrl-C."""


@dataclass(frozen=True)
class Run:
    """The rows of one run's folder.

    Attributes:
        directory: The run's folder.
        run_id: Name of the run, which is its folder's.
        sessions: One row per process, the controlling one first.
        end: Missing when the session died.
        torn: Rows that a killed process did not finish.
    """

    directory: Path
    run_id: str
    sessions: tuple[SessionRow, ...]
    end: SessionEndRow | None
    samples: tuple[SampleRow, ...]
    verdicts: tuple[VerdictRow, ...]
    answers: tuple[AnswerRow, ...]
    outcomes: tuple[OutcomeRow, ...]
    torn: int

    @classmethod
    def read(cls, directory: Path) -> Run:
        """Read a run's folder.

        Raises:
            UserError: If it is not a run's folder or a row is damaged.
        """
        result = read_rows(directory)
        ends = _of_kind(result.rows, SessionEndRow)
        sessions = _of_kind(result.rows, SessionRow)
        return cls(
            directory=directory,
            run_id=directory.resolve().name,
            sessions=tuple(sorted(sessions, key=lambda row: (row.worker != "main", row.worker))),
            end=ends[-1] if ends else None,
            samples=_of_kind(result.rows, SampleRow),
            verdicts=_of_kind(result.rows, VerdictRow),
            answers=_of_kind(result.rows, AnswerRow),
            outcomes=_of_kind(result.rows, OutcomeRow),
            torn=result.torn,
        )

    @property
    def session(self) -> SessionRow | None:
        """The controlling process's row; None if not even that was written whole."""
        return self.sessions[0] if self.sessions else None

    @property
    def unfinished(self) -> str | None:
        """One sentence if the session did not come to its end, else None."""
        if self.end is None:
            return (
                "The session did not finish: its process died or was killed. "
                "What was measured until then is below."
            )
        if self.end.exit_status == INTERRUPTED:
            return "The session was interrupted. What was measured until then is below."
        return None

    @property
    def started_at(self) -> datetime | None:
        """When the first process started."""
        return min((row.started_at for row in self.sessions), default=None)

    @property
    def duration(self) -> timedelta | None:
        """From the start to the end, or to the last row of a session that died."""
        times = [row.at for row in self.samples]
        times += [row.at for row in self.verdicts]
        times += [row.at for row in self.answers]
        times += [row.at for row in self.outcomes]
        if self.end is not None:
            times.append(self.end.ended_at)
        if self.started_at is None or not times:
            return None
        return max(times) - self.started_at


def _of_kind(rows: tuple[Row, ...], kind: type[RowT]) -> tuple[RowT, ...]:
    return tuple(row for row in rows if isinstance(row, kind))

"""One run, read back: its rows by kind and the facts that hold for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from harness.measure.exit_status import INTERRUPTED
from harness.measure.wording import plural
from harness.results.cut_short import describe_cut_short
from harness.results.journal_copies import read_run
from harness.results.rows.schema import (
    AnswerRow,
    ComparisonRow,
    DeviceRow,
    DeviceStateRow,
    LadderRow,
    NoticeRow,
    OutcomeRow,
    QuarantineRow,
    Row,
    SampleRow,
    SessionEndRow,
    SessionRow,
    VerdictRow,
)
from harness.results.runs import is_controller, run_status
from harness.results.sequence import clock_sentence
from harness.results.series import final_rows
from harness.results.stored_run import run_of
from harness.vocabulary import Target

RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True)
class Run:
    """The rows of one run's folder, which several sessions may have added to in turn.

    Attributes:
        directory: The run's folder.
        run_id: Name of the run.
        sessions: One row per process, the controlling ones first, in the order in which their
            sessions happened, whatever clocks said.
        ends: One row per session that came to its end, in that order.
        verdicts: All that were reached, those that a cold re-run superseded included.
        comparisons: All that were made, superseded ones included as well.
        torn: Rows that a killed process did not finish.
        copies: Files that repeat what others say.
        disagreements: One sentence per copy that says something else than the one taken.
    """

    directory: Path
    run_id: str
    sessions: tuple[SessionRow, ...]
    ends: tuple[SessionEndRow, ...]
    notices: tuple[NoticeRow, ...]
    samples: tuple[SampleRow, ...]
    verdicts: tuple[VerdictRow, ...]
    answers: tuple[AnswerRow, ...]
    outcomes: tuple[OutcomeRow, ...]
    ladders: tuple[LadderRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    quarantine: tuple[QuarantineRow, ...]
    devices: tuple[DeviceRow, ...]
    device_states: tuple[DeviceStateRow, ...]
    torn: int
    copies: tuple[Path, ...]
    disagreements: tuple[str, ...]

    @classmethod
    def read(cls, directory: Path) -> Run:
        """Read a run by its folder.

        Raises:
            UserError: If it is not a run's folder or a row is damaged.
        """
        stored = run_of(directory)
        result = read_run(stored)
        sessions, ends = _of_kind(result.rows, SessionRow), _of_kind(result.rows, SessionEndRow)
        return cls(
            directory=stored.folder,
            run_id=stored.run_id,
            sessions=tuple(sorted(sessions, key=lambda row: not is_controller(row.worker))),
            ends=ends,
            notices=_of_kind(result.rows, NoticeRow),
            samples=_of_kind(result.rows, SampleRow),
            verdicts=_of_kind(result.rows, VerdictRow),
            answers=_of_kind(result.rows, AnswerRow),
            outcomes=_of_kind(result.rows, OutcomeRow),
            ladders=_of_kind(result.rows, LadderRow),
            comparisons=_of_kind(result.rows, ComparisonRow),
            quarantine=_of_kind(result.rows, QuarantineRow),
            devices=_of_kind(result.rows, DeviceRow),
            device_states=_of_kind(result.rows, DeviceStateRow),
            torn=result.torn,
            copies=result.copies,
            disagreements=result.disagreements,
        )

    @property
    def session(self) -> SessionRow | None:
        """The first controlling process's row; None if not even that was written whole."""
        return self.sessions[0] if self.sessions else None

    @property
    def controllers(self) -> tuple[SessionRow, ...]:
        """The controlling process of every session."""
        return tuple(row for row in self.sessions if is_controller(row.worker))

    @cached_property
    def judged(self) -> tuple[VerdictRow, ...]:
        """The verdicts that count: of a metric that was measured again from cold, the last one."""
        return final_rows(self.verdicts)

    @cached_property
    def compared(self) -> tuple[ComparisonRow, ...]:
        """The comparisons that count: of a candidate compared again from cold, the last one."""
        return final_rows(self.comparisons)

    @property
    def failures(self) -> tuple[OutcomeRow, ...]:
        """Tests that did not end as they should."""
        return tuple(row for row in self.outcomes if row.outcome in ("failed", "error"))

    @property
    def unjudged(self) -> tuple[OutcomeRow, ...]:
        """Tests that ended with a status and left no verdict: comparisons, and what was blocked.

        Those in quarantine are left out.
        """
        others = {row.test_id for row in self.verdicts}
        others |= {row.test_id for row in self.compared if row.quarantined}
        return tuple(row for row in self.outcomes if row.status and row.test_id not in others)

    def outcome_of(self, verdict: VerdictRow) -> OutcomeRow | None:
        """How a verdict's test ended on its target: sessions of a run may share names of tests.

        An outcome that knows no target, as those of earlier versions, stands for all of them.
        """
        found, test = self._outcomes, verdict.test_id
        return found.get((test, verdict.target)) or found.get((test, None))

    @cached_property
    def _outcomes(self) -> Mapping[tuple[str, Target | None], OutcomeRow]:
        return {(row.test_id, row.target): row for row in self.outcomes}

    @cached_property
    def virtual_devices(self) -> frozenset[str]:
        """Devices that do not exist, as they said themselves or their samples do."""
        virtual = [row.device for row in self.devices if row.virtual]
        virtual += [row.device for row in self.samples if row.virtual and row.device]
        return frozenset(virtual)

    @property
    def finished(self) -> bool:
        """Whether all sessions came to their end."""
        return self.exit_status is not None

    @property
    def exit_status(self) -> int | None:
        """The worst of its sessions; None unless all of them came to their end."""
        return run_status(self.sessions, self.ends)

    @property
    def planned(self) -> int | None:
        """Tests that its sessions were to run; None where one of them did not write it down."""
        known = [row.planned for row in self.controllers if row.planned is not None]
        return sum(known) if known and len(known) == len(self.controllers) else None

    @property
    def is_whole(self) -> bool:
        """Whether all tests that were planned ended, as far as that is known."""
        return self.planned is None or len(self.outcomes) >= self.planned

    @property
    def judged_nothing(self) -> bool:
        """Whether its tests ended without anything that could be green or red."""
        return not self.verdicts and not any(
            row.status or row.outcome != "skipped" for row in self.outcomes
        )

    @property
    def unfinished(self) -> str | None:
        """One sentence if not all that was planned came to its end, else None."""
        if not self.finished:
            why = "The session did not finish: its process died or was killed"
        elif any(row.exit_status == INTERRUPTED for row in self.ends):
            why = "The session was interrupted"
        elif not self.is_whole:
            why = "The session ended early"
        else:
            return None
        ended = self.planned and f"{len(self.outcomes):,} of {plural(self.planned, 'test')}"
        after = f" after {ended}" if ended else ""
        return f"{why}{after}. What was measured until then is kept."

    @cached_property
    def cut_short(self) -> tuple[str, ...]:
        """One sentence per comparison that ended before it told anything."""
        return tuple(describe_cut_short(self.samples, self.comparisons, self.controllers))

    @property
    def clock_sentences(self) -> tuple[str, ...]:
        """What is to be said of sessions whose clock was behind what had happened."""
        # What a farm ran got its place when it was fetched, not when it began.
        here = (row for row in self.controllers if row.farm is None)
        told = (clock_sentence(row.started_at, row.sequence) for row in here)
        return tuple(sentence for sentence in told if sentence)

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
        times += [row.ended_at for row in self.ends]
        if self.started_at is None or not times:
            return None
        return max(times) - self.started_at


def _of_kind(rows: tuple[Row, ...], kind: type[RowT]) -> tuple[RowT, ...]:
    return tuple(row for row in rows if isinstance(row, kind))

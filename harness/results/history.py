"""All runs of a results folder as pandas frames, each row with where it comes from.

Folders of several machines merge by copying: a run has a name of its own, and each of its rows
counts once, however often its files were copied.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from harness.errors import UserError
from harness.results.journal_copies import ReadResult, ignored_sentences, read_run
from harness.results.rows.schema import SessionEndRow, SessionRow
from harness.results.runs import is_controller, run_status, started_at
from harness.results.sequence import moment_of
from harness.results.stored_run import StoredRun, stored_runs
from harness.results.tables import TABLES, TableBuilder, json_text


@dataclass(frozen=True)
class History:
    """What all runs wrote down.

    Every frame but ``runs`` has the columns ``run_id`` and ``worker`` and then the fields of its
    row (``python -m harness results --columns`` explains each). Dtypes are ``string``, ``Float64``,
    ``Int64``, ``boolean`` and ``datetime64[us, UTC]``, a date is ``object``; what is missing is NA.
    Rows keep the order of runs, of processes and of writing.

    Attributes:
        runs: One row per run that could be read, in the order in which they happened: ``run_id``,
            ``started_at``, ``ended_at``, ``sessions``, ``finished`` (all sessions came to their
            end), ``exit_status`` (the worst, missing unless finished), ``git_commit``,
            ``argv`` (JSON), ``versions`` (JSON), ``host`` (JSON), ``torn`` (rows that a killed
            process did not finish).
        sessions: ``SessionRow``, one per process.
        session_ends: ``SessionEndRow``.
        devices: ``DeviceRow``: serial, fingerprint, QNN version.
        device_states: ``DeviceStateRow``: state before and after a run, as JSON.
        notices: ``NoticeRow``: what upstream's runner does otherwise with an artifact.
        samples: ``SampleRow``.
        verdicts: ``VerdictRow``.
        comparisons: ``ComparisonRow``.
        quarantines: ``QuarantineRow``.
        answers: ``AnswerRow``.
        outcomes: ``OutcomeRow``.
        ladders: ``LadderRow``.
        unreadable: One sentence per run that was left out: a row of it is damaged, or it is not
            named as a run.
        ignored: Sentences about files that were left out because others hold their rows: one about
            all that say nothing else, and one per file that does.
    """

    runs: pd.DataFrame
    sessions: pd.DataFrame
    session_ends: pd.DataFrame
    devices: pd.DataFrame
    device_states: pd.DataFrame
    notices: pd.DataFrame
    samples: pd.DataFrame
    verdicts: pd.DataFrame
    comparisons: pd.DataFrame
    quarantines: pd.DataFrame
    answers: pd.DataFrame
    outcomes: pd.DataFrame
    ladders: pd.DataFrame
    unreadable: tuple[str, ...]
    ignored: tuple[str, ...]

    def up_to(self, run_id: str) -> frozenset[str]:
        """Names of a run and of all that happened before it; empty where it is not known."""
        names = [str(name) for name in self.runs["run_id"]]
        return frozenset(names[: names.index(run_id) + 1] if run_id in names else ())

    def provenance(self, table: pd.DataFrame) -> pd.DataFrame:
        """A frame with where its rows come from beside them.

        Adds ``git_commit``, ``versions``, ``options``, ``host`` of the process,
        ``fingerprint`` and ``qnn_version`` of the device where the frame has ``device``, and
        ``device_before`` and ``device_after``, its state around the run, where it has samples.
        """
        sessions = self.sessions[["run_id", "worker", *_FROM_SESSION]]
        joined = table.merge(
            sessions.drop_duplicates(["run_id", "worker"]), on=["run_id", "worker"], how="left"
        )
        if "device" not in table:
            return joined
        devices = self.devices[["run_id", "worker", "device", *_FROM_DEVICE]]
        keys = ["run_id", "worker", "device"]
        joined = joined.merge(devices.drop_duplicates(keys), on=keys, how="left")
        return self._with_states(joined) if "side" in table else joined

    def _with_states(self, samples: pd.DataFrame) -> pd.DataFrame:
        states = self.device_states.rename(columns=_FROM_STATE)[[*_OF_RUN, *_FROM_STATE.values()]]
        return samples.merge(states.drop_duplicates(list(_OF_RUN)), on=list(_OF_RUN), how="left")


_OF_RUN = (
    "run_id",
    "worker",
    "test_id",
    "device",
    "artifact_key",
    "mode",
    "run_index",
    "cold_session",
)
"""What a sample shares with the state of its device around the same process of the runner."""

_FROM_STATE = {"before": "device_before", "after": "device_after"}
_FROM_SESSION = ("git_commit", "versions", "options", "host")
_FROM_DEVICE = ("fingerprint", "qnn_version")


def load_history(
    results: Path, since: datetime | None = None, tables: Collection[str] | None = None
) -> History:
    """Read all runs of a results folder; no runs make empty frames.

    Args:
        results: Folder with one folder per run.
        since: Leave out runs that started earlier.
        tables: Names of frames to fill besides ``runs``, the others stay empty; None for all.
    """
    builder = TableBuilder([name for name in TABLES if tables is None or name in tables])
    summaries, unreadable = [], []
    copies: list[Path] = []
    disagreements: list[str] = []
    for run in stored_runs(results):
        try:
            if since is None or _began(run) >= since:
                result = read_run(run)
                builder.add(run.run_id, result.by_worker)
                summaries.append({"run_id": run.run_id, **_summary(result)})
                copies += result.copies
                disagreements += result.disagreements
        except UserError as error:
            unreadable.append(str(error))
    return History(
        runs=_runs_frame(summaries),
        **builder.frames(),
        unreadable=tuple(unreadable),
        ignored=ignored_sentences(copies, disagreements),
    )


def _began(run: StoredRun) -> datetime:
    return max(started_at(run.run_id), moment_of(run.sequence))


def _summary(result: ReadResult) -> dict[str, object]:
    sessions = [row for row in result.rows if isinstance(row, SessionRow)]
    ends = [row for row in result.rows if isinstance(row, SessionEndRow)]
    controllers = [row for row in sessions if is_controller(row.worker)]
    first = next(iter(controllers or sessions), None)
    status = run_status(sessions, ends)
    return {
        "started_at": first and first.started_at,
        "ended_at": max((row.ended_at for row in ends), default=None),
        "sessions": max(len(controllers), 1),
        "finished": status is not None,
        "exit_status": status,
        "git_commit": first and first.git_commit,
        **{
            name: first and json_text(getattr(first, name)) for name in ("argv", "versions", "host")
        },
        "torn": result.torn,
    }


_RUN_DTYPES = {
    "run_id": "string",
    "started_at": "datetime64[us, UTC]",
    "ended_at": "datetime64[us, UTC]",
    "sessions": "Int64",
    "finished": "boolean",
    "exit_status": "Int64",
    "git_commit": "string",
    "argv": "string",
    "versions": "string",
    "host": "string",
    "torn": "Int64",
}


def _runs_frame(summaries: Sequence[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(summaries, columns=list(_RUN_DTYPES))
    return frame.astype(_RUN_DTYPES)

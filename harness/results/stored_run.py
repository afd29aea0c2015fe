"""Which files tell of which run: told by what is written in them, whatever they are called.

People and sync tools copy folders and files and name the copies as they like: ``RUN (1)``,
``rows-main.sync-conflict-20261123-021503.jsonl``. The first row of a journal says whose it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from harness.errors import UserError
from harness.results.sequence import LAST, sequence_of

RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
"""Names as snapgate gives them to runs: the clock's time of their start, and a random end."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors and shells put before the first row of a copy."""

_JOURNALS = "rows-*.jsonl"
_SESSION_NUMBER = re.compile(r"^rows-[a-z]+\d*-(\d{1,3})(?!\w)")


@dataclass(frozen=True)
class StoredRun:
    """One run as it lies on disk.

    Attributes:
        run_id: Its name, as its rows say; a folder's where no row says it.
        journals: Files of all its processes, copies included, those of ``folder`` first, session
            by session as they happened.
        sequence: Place of its first session among all of the store; what its name says where
            sessions had no number yet, 0 where its name says none either.
    """

    run_id: str
    journals: tuple[Path, ...]
    sequence: int

    @property
    def folder(self) -> Path:
        """The folder that is named as the run, or else the first that holds its rows."""
        return self.journals[0].parent


def is_run_folder(folder: Path) -> bool:
    """Whether a folder holds journals."""
    return any(folder.glob(_JOURNALS))


def stored_runs(results: Path) -> tuple[StoredRun, ...]:
    """All runs of a results folder as they happened; none if there is no folder.

    Runs that are not named by their start come first, so that none of them is the latest.
    """
    journals: dict[str, list[Path]] = defaultdict(list)
    for folder in _each_once(_visible_folders(results)):
        for run_id, journal in _journals(folder):
            journals[run_id].append(journal)
    runs = (_stored_run(run_id, journals[run_id]) for run_id in journals)
    return tuple(sorted(runs, key=_as_it_happened))


def run_of(folder: Path) -> StoredRun:
    """The run that a folder tells of, with what the folders beside it tell of the same run.

    Raises:
        UserError: If there is no journal in it.
    """
    run_id = _folder_run_id(folder)
    if run_id is None:
        raise UserError(
            f"{folder} holds no rows-*.jsonl, so it is not a run; "
            "name the folder of a run with --run, or make one with `pytest -m accuracy`."
        )
    folders = _each_once([folder, *_visible_folders(folder.absolute().parent)])
    journals = [journal for one in folders for told, journal in _journals(one) if told == run_id]
    return _stored_run(run_id, journals)


def latest_sequence(results: Path) -> int:
    """The largest number that a run of a store has; 0 without any."""
    return max((run.sequence for run in stored_runs(results)), default=0)


def _as_it_happened(run: StoredRun) -> tuple[bool, int, str]:
    return RUN_ID.fullmatch(run.run_id) is not None, run.sequence, run.run_id


def _stored_run(run_id: str, journals: Sequence[Path]) -> StoredRun:
    places = {journal: place for journal in journals if (place := _told_sequence(journal))}
    of_session = {_session_of(journal): place for journal, place in places.items()}

    def as_it_happened(journal: Path) -> tuple[bool, int, int]:
        session = _session_of(journal)
        is_foreign = journal.parent.resolve().name != run_id
        return is_foreign, of_session.get(session, 0), session[1]

    first = min(places.values(), default=_named_sequence(run_id))
    return StoredRun(run_id, tuple(sorted(journals, key=as_it_happened)), first)


def _told_sequence(journal: Path) -> int:
    """A session's place in its store; 0 where its journal says none, as those of workers."""
    told = _told(journal).get("sequence")
    return told if isinstance(told, int) and 0 < told <= LAST else 0


def _session_of(journal: Path) -> tuple[Path, int]:
    """The session of a process, by folder and number: ``rows-gw0-2.jsonl`` is of the second."""
    number = _SESSION_NUMBER.search(journal.name)
    return journal.parent, int(number[1]) if number else 1


def _named_sequence(run_id: str) -> int:
    try:
        named = datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%SZ")
    except ValueError:
        return 0
    return sequence_of(named.replace(tzinfo=UTC))


def _visible_folders(results: Path) -> list[Path]:
    """Hidden ones are where tools keep what was deleted or replaced."""
    return sorted(
        path for path in results.glob("*") if path.is_dir() and not path.name.startswith(".")
    )


def _each_once(folders: Sequence[Path]) -> Iterator[Path]:
    """A link to a folder is no copy of it."""
    seen: set[Path] = set()
    for folder in sorted(folders, key=Path.is_symlink):
        if (real := folder.resolve()) not in seen:
            seen.add(real)
            yield folder


def _journals(folder: Path) -> Iterator[tuple[str, Path]]:
    """Journals of a folder by name, each with the run that it tells of."""
    own = _folder_run_id(folder)
    for journal in sorted(folder.glob(_JOURNALS)):
        yield _told_run_id(journal) or str(own), journal


def _folder_run_id(folder: Path) -> str | None:
    """What a folder's journals say, above all what its name says too; None if it has none.

    Where no row says it, what the name holds of one: a copy may end before its first row does.
    """
    journals = sorted(folder.glob(_JOURNALS))
    if not journals:
        return None
    name = folder.resolve().name
    told = [run_id for run_id in map(_told_run_id, journals) if run_id is not None]
    if told:
        return name if name in told else told[0]
    named = RUN_ID.search(name)
    return named[0] if named else name


def _told_run_id(journal: Path) -> str | None:
    """What the first session row of a journal says, its first row as a rule; None without one."""
    run_id = _told(journal).get("run_id")
    return None if run_id is None else str(run_id)


def _told(journal: Path) -> Mapping[str, Any]:
    """The first session row of a journal as it stands there; empty without one."""
    try:
        with journal.open("rb") as lines:
            for line in lines:
                if b'"session"' in line:
                    row = from_json(line.removeprefix(BYTE_ORDER_MARK))
                    if row["kind"] == "session":
                        return dict(row)
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return {}

"""A run's rows from all of its files, each once, however often people and sync tools copied them.

One process writes a journal, and only appends to it. So two files about the same process are copies
of one journal, and the fuller one is taken. A file about several processes was put together by
somebody; it adds what no journal has. Rows are the same when all that they say is, the microsecond
of their time included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from harness.errors import UserError
from harness.measure.wording import plural
from harness.results.journal_reader import file_rows, is_torn
from harness.results.rows.schema import Row, SessionRow
from harness.results.stored_run import StoredRun, run_of

_MAX_NAMED = 3

_PROCESS = re.compile(r"(main|gw\d+)(-\d{1,3})?(?!\w)")
"""Names of processes: a session's own or a pytest-xdist worker, and the session's number."""


@dataclass(frozen=True)
class ReadResult:
    """All rows of a run, each once: process by process, in the order of writing.

    Attributes:
        by_worker: Rows of each process with its name, unique within the run.
        torn: Last lines that killed processes did not finish; skipped.
        copies: Files that say nothing that others do not say.
        disagreements: One sentence per file that says something else than what was taken.
    """

    by_worker: tuple[tuple[str, tuple[Row, ...]], ...]
    torn: int
    copies: tuple[Path, ...]
    disagreements: tuple[str, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Those of all processes."""
        return tuple(row for _, rows in self.by_worker for row in rows)


def read_rows(directory: Path) -> ReadResult:
    """Read a run by its folder.

    Raises:
        UserError: If there is no journal, or one has a line that nobody's death explains.
    """
    return read_run(run_of(directory))


def read_run(run: StoredRun) -> ReadResult:
    """Read a run.

    Raises:
        UserError: If a journal of which there is no whole copy has a line that nobody's death
            explains.
    """
    parts = [part for journal in run.journals for part in _parts(journal)]
    foreign = [part for part in parts if part.session and part.session.run_id != run.run_id]
    taken, replaced = _chosen([part for part in parts if part not in foreign])
    for part in taken:
        if part.damage is not None:
            raise part.damage
    by_worker, fresh = _each_once(taken, run.journals)
    known = {text for part in taken for text in part.rows}
    differing = [(part, better) for part, better in replaced if not part.repeats(known)]
    said_more = {part.path for part, _ in differing} | fresh
    return ReadResult(
        by_worker,
        sum(part.is_torn for part in taken),
        tuple(
            dict.fromkeys(part.path for part in parts if part.rows and part.path not in said_more)
        ),
        tuple(
            [_disagreement(part, better, known) for part, better in differing]
            + [_of_another_run(part) for part in foreign]
        ),
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """What one file says of one process.

    Attributes:
        path: The file.
        session: The process; None where no row names it.
        rows: By all that they say.
        is_whole: Whether the file tells of no other process.
        is_torn: Whether its last line is unfinished.
        damage: What is wrong with the file, if anything is.
    """

    path: Path
    session: SessionRow | None
    rows: Mapping[str, Row]
    is_whole: bool
    is_torn: bool
    damage: UserError | None

    @property
    def worker(self) -> str:
        """The process that wrote the rows."""
        return self.session.worker if self.session else self.path.stem.removeprefix("rows-")

    @property
    def process(self) -> tuple[str, str, datetime] | None:
        """What copies of a journal have in common."""
        row = self.session
        return None if row is None else (row.run_id, row.worker, row.started_at)

    @property
    def is_named_as_its_process(self) -> bool:
        """Whether the file has the name that the process gave it."""
        return self.path.name == f"rows-{self.worker}.jsonl"

    @property
    def is_in_its_run(self) -> bool:
        """Whether the folder has the name that the process gave it."""
        return self.session is not None and self.path.parent.resolve().name == self.session.run_id

    def repeats(self, known: set[str]) -> bool:
        """Whether it is undamaged and says only what is known."""
        return self.damage is None and self.rows.keys() <= known


def ignored_sentences(copies: Sequence[Path], disagreements: Sequence[str]) -> tuple[str, ...]:
    """What was left out of one run or of many: copies in one sentence, disagreements one by one."""
    if not copies:
        return tuple(disagreements)
    named = ", ".join(f"{path.parent.name}/{path.name}" for path in copies[:_MAX_NAMED])
    more = f" and {len(copies) - _MAX_NAMED} more" if len(copies) > _MAX_NAMED else ""
    repeat = "file repeats" if len(copies) == 1 else "files repeat"
    told = f"{len(copies)} {repeat} rows of others, which count once: {named}{more}."
    return (told, *disagreements)


def _parts(journal: Path) -> Iterator[_Part]:
    """One for a journal, whatever its order; of a file about several processes one for each."""
    sections: list[tuple[SessionRow | None, dict[str, Row]]] = [(None, {})]
    damage, torn = None, False
    try:
        torn = is_torn(journal)
        for row in file_rows(journal):
            if isinstance(row, SessionRow):
                sections.append((row, {}))
            sections[-1][1][row.model_dump_json()] = row
    except UserError as error:
        damage = error
    processes = {(row.run_id, row.worker, row.started_at): row for row, _ in sections if row}
    if len(processes) <= 1:
        rows = {text: row for _, section in sections for text, row in section.items()}
        sections = [(next(iter(processes.values()), None), rows)]
    for number, (session, rows) in enumerate(sections, start=1):
        is_last = number == len(sections)
        if rows or is_last:
            yield _Part(
                journal,
                session,
                rows,
                len(sections) == 1,
                torn and is_last,
                damage if is_last else None,
            )


def _chosen(parts: Sequence[_Part]) -> tuple[list[_Part], list[tuple[_Part, _Part]]]:
    """The parts to take, in their order, and the others, each with the one taken in its place."""
    journals = [part for part in parts if part.is_whole and part.process]
    taken, replaced = [], []
    for _, copies in groupby(sorted(journals, key=_process), key=_process):
        ordered = sorted(copies, key=_fullness, reverse=True)
        taken.append(ordered[0])
        replaced += [(part, ordered[0]) for part in ordered[1:]]
    originals = {part: _original(part, taken) for part in parts if part not in journals}
    replaced += [(part, original) for part, original in originals.items() if original]
    others = [part for part, original in originals.items() if original is None]
    return [*sorted(taken, key=parts.index), *others], replaced


def _original(part: _Part, journals: Sequence[_Part]) -> _Part | None:
    """The journal of which a file that says not even whose it is has the name, or a copy's name."""
    if part.session is not None or part.damage is None:
        return None
    named = _PROCESS.match(part.worker)
    worker = named[0] if named else part.worker
    return next((journal for journal in journals if journal.worker == worker), None)


def _process(part: _Part) -> tuple[str, str, datetime]:
    assert part.process is not None
    return part.process


def _fullness(part: _Part) -> tuple[bool, int, bool]:
    return part.damage is None, len(part.rows), part.is_named_as_its_process


def _each_once(
    parts: Sequence[_Part], files: Sequence[Path]
) -> tuple[tuple[tuple[str, tuple[Row, ...]], ...], set[Path]]:
    """Rows without what an earlier part said by process, and the files that said something new.

    Args:
        parts: In the order of their precedence.
        files: In the order of their rows.
    """
    seen: set[str] = set()
    by_worker: dict[str, tuple[Row, ...]] = {}
    first_files: dict[str, int] = {}
    names: dict[object, str] = {}
    fresh = set()
    for part in parts:
        rows = tuple(row for text, row in part.rows.items() if text not in seen)
        seen |= part.rows.keys()
        if rows:
            name = names.setdefault(part.process or part, _unused(part.worker, by_worker))
            by_worker[name] = by_worker.get(name, ()) + rows
            first_files.setdefault(name, files.index(part.path))
            fresh.add(part.path)
    ordered = sorted(by_worker.items(), key=lambda item: first_files[item[0]])
    return tuple(ordered), fresh


def _unused(name: str, known: Mapping[str, object]) -> str:
    """Two machines that measured for one run may both have a ``main``."""
    number = 1 + sum(one == name or one.startswith(f"{name} (") for one in known)
    return name if number == 1 else f"{name} ({number})"


def _disagreement(part: _Part, better: _Part, known: set[str]) -> str:
    own = len(part.rows.keys() - known)
    if len(part.rows) < len(better.rows):
        reason = f"it has more rows, {len(better.rows):,} instead of {len(part.rows):,}"
    elif better.is_named_as_its_process and not part.is_named_as_its_process:
        reason = "it is named as its process"
    elif better.is_in_its_run and not part.is_in_its_run:
        reason = "its folder is named as the run"
    else:
        reason = "it comes first"
    if part.damage is not None:
        return f"{part.path} is a damaged copy; {better.path} was taken."
    return (
        f"{part.path} and {better.path} are copies of one journal that disagree; the latter was "
        f"taken, because {reason}, and {plural(own, 'row')} of the former left out."
    )


def _of_another_run(part: _Part) -> str:
    assert part.session is not None
    return (
        f"{part.path} also holds {plural(len(part.rows), 'row')} of run {part.session.run_id}, "
        "left out; copy that run's own folder beside it."
    )

"""Journals of sessions that ran elsewhere become sessions of one run here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.results.journal import THUMBNAIL_FOLDER, Journal
from harness.results.journal_reader import file_rows
from harness.results.rows.schema import Row, SessionRow
from harness.results.rows.session import FarmStay


def adopt_session(
    folder: Path, run: Path, number: int, sequence: int, stay: FarmStay | None = None
) -> None:
    """Add what one session wrote to a run, as the session of a number.

    Args:
        folder: Run folder that the session wrote, elsewhere.
        run: Folder of the run that it is added to; made when missing.
        number: Of the session within that run, from one on.
        sequence: The session's place in the store of that run.
        stay: Where it ran.

    Raises:
        UserError: If a row is damaged.
        FileExistsError: If the run has a session of that number.
        OSError: If it cannot be written.
    """
    for journal in sorted(folder.glob("rows-*.jsonl")):
        name = journal.stem.removeprefix("rows-")
        worker = name if number == 1 else f"{name}-{number}"
        with Journal(run, worker) as adopted:
            for row in file_rows(journal):
                adopted.append(_of_run(row, run.name, worker, sequence, stay))
    for picture in _pictures(folder):
        (run / THUMBNAIL_FOLDER).mkdir(exist_ok=True)
        shutil.copyfile(picture, run / THUMBNAIL_FOLDER / picture.name)


def _of_run(row: Row, run_id: str, worker: str, sequence: int, stay: FarmStay | None) -> Row:
    if not isinstance(row, SessionRow):
        return row
    place = None if row.sequence is None else sequence
    changes = {"run_id": run_id, "worker": worker, "sequence": place, "farm": stay}
    return row.model_copy(update=changes)


def _pictures(folder: Path) -> Iterator[Path]:
    """Named by their content, so that those of several sessions lie beside each other."""
    return (folder / THUMBNAIL_FOLDER).glob("*.jpg")

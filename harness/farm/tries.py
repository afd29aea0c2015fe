"""Folders of the tries of a host's jobs: each try has its own, until the store has its end.

A session that was given up for dead may still write for a while, into the folder of its own try.
"""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from harness.artifacts.atomic_file import write_text
from harness.farm.job_end import JobEnd
from harness.farm.order import Assignment

_LOG = logging.getLogger(__name__)
_ASSIGNED, _ENDED = "assigned.json", "ended.json"


class Tries:
    """Folders named by their job's key and a word of their own.

    Args:
        work: Holds them.
        rejected: What nobody can send goes there.
    """

    def __init__(self, work: Path, rejected: Path) -> None:
        self._work = work
        self._rejected = rejected
        work.mkdir(parents=True, exist_ok=True)

    def new_folder(self, key: str) -> Path:
        """Name of the folder of a new try, which ``begin`` makes."""
        return self._work / f"{key}.{secrets.token_hex(4)}"

    def ended_before(self, key: str) -> Path | None:
        """Folder of a try whose end the store does not have yet."""
        found = next(self._work.glob(f"{key}.*/{_ENDED}"), None)
        return None if found is None else found.parent

    def begin(self, assignment: Assignment, folder: Path) -> None:
        """Make the folder of a try, and remove those of earlier ones."""
        for earlier in self._work.glob(f"{assignment.order.job.key}.*"):
            shutil.rmtree(earlier, ignore_errors=True)
        (folder / "results").mkdir(parents=True)
        write_text(folder / _ASSIGNED, assignment.model_dump_json())

    def end(self, folder: Path, end: JobEnd) -> None:
        """Keep how a try ended until the store has it."""
        write_text(folder / _ENDED, end.model_dump_json())

    def is_over(self, folder: Path) -> bool:
        """Whether a try came to its end."""
        return (folder / _ENDED).is_file()

    def read_end(self, folder: Path) -> JobEnd:
        """How it did."""
        return JobEnd.model_validate_json((folder / _ENDED).read_text(encoding="utf-8"))

    def remove(self, folder: Path) -> None:
        """Forget a try."""
        shutil.rmtree(folder, ignore_errors=True)

    def reject(self, folder: Path, error: Exception) -> None:
        """Keep what nobody can send out of the way."""
        kept = self._rejected / folder.name
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept)
        _LOG.warning("%s cannot be sent (%s) and was moved to %s", folder, error, kept)

    def left(self) -> Iterator[tuple[Path, Assignment]]:
        """What an earlier process left, each with its folder; what nobody can read is rejected."""
        for folder in sorted(self._work.iterdir()):
            if not (folder / _ASSIGNED).is_file():
                self.remove(folder)
                continue
            try:
                told = (folder / _ASSIGNED).read_text(encoding="utf-8")
                assignment = Assignment.model_validate_json(told)
                if self.is_over(folder):
                    self.read_end(folder)
            except (ValidationError, OSError) as error:
                self.reject(folder, error)
                continue
            yield folder, assignment

"""A plugin of pytest that notes beside the session what it measured, wherever that is written."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from harness.results.rows.schema import AnswerRow, Row, SampleRow

FOLDER_VARIABLE = "SNAPGATE_WITNESS"
"""Names the folder of the notes, on a disk that has room."""
_RECORDER = "snapgate-session"
_REFUSAL = ".refused_s"


class Witness:
    """Stands between the tests of one process and its journal.

    Args:
        folder: Of the notes.
        recorder: The plug-in that writes its journal.
    """

    def __init__(self, folder: Path, recorder: Any) -> None:
        self._file = folder / f"{os.getpid()}.jsonl"
        self._refusal = folder / f"{os.getpid()}{_REFUSAL}"
        self._recorder = recorder
        self._append = recorder.append

    def append(self, row: Row) -> None:
        """Note a sample or an answer, let it go its way, and note when the disk took no row."""
        if isinstance(row, SampleRow | AnswerRow):
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{row.model_dump_json()}\n")
        begun_s = time.monotonic()
        self._append(row)
        if self._recorder.rows.trouble is not None and not self._refusal.exists():
            self._refusal.write_text(str(begun_s))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin to listen."""
    recorder: Any = session.config.pluginmanager.get_plugin(_RECORDER)
    witness = Witness(Path(os.environ[FOLDER_VARIABLE]), recorder)
    recorder.append = witness.append


def first_refusal_s(folder: Path) -> float | None:
    """When a disk took no row for the first time, on the monotonic clock; None if it took all."""
    return min((float(file.read_text()) for file in folder.glob(f"*{_REFUSAL}")), default=None)


def noted_rows(folder: Path) -> list[str]:
    """All notes of a session, one row each."""
    files = sorted(folder.glob("*.jsonl"))
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]

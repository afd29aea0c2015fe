"""Journals of runs, from which reports and trends are made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fuzz.kinds.file_kind import FileKind, Whole
from benchmarks.synthetic_store import Store, write_store
from harness.results.history import load_history
from reports.build import build_report

_ROWS_OF_KIND = 4


class Journals(FileKind):
    """Those of a few made-up nights."""

    name = "journals"

    def wholes(self, folder: Path) -> Sequence[Whole]:
        """Of each night; the report is of the last."""
        latest = write_store(folder / "results", Store(nights=2, images=1))
        self._latest, self._report = latest, folder / "report"
        journals = sorted(latest.parent.glob("*/rows-*.jsonl"))
        return [Whole(path, _thinned(path.read_bytes()), self._read) for path in journals]

    def _read(self, path: Path) -> object:
        history = load_history(self._latest.parent)
        summary = build_report(self._latest, self._report)
        page = (self._report / "results.csv").read_bytes()
        return summary, history.unreadable, page


def _thinned(journal: bytes) -> bytes:
    """A few rows of each kind, in their order."""
    kept: Counter[str] = Counter()
    lines = []
    for line in journal.splitlines(keepends=True):
        kind = json.loads(line)["kind"]
        kept[kind] += 1
        if kept[kind] <= _ROWS_OF_KIND:
            lines.append(line)
    return b"".join(lines)

"""Journals of runs, from which trends and summaries are made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fuzz.kinds.file_kind import FileKind, Whole
from benchmarks.synthetic_store import Store, write_store
from harness.results.history import load_history
from harness.results.job_summary import job_summary
from harness.results.query import nightly

_ROWS_OF_KIND = 4


class Journals(FileKind):
    """Those of a few made-up nights."""

    name = "journals"

    def wholes(self, folder: Path) -> Sequence[Whole]:
        """Of each night; the report is of the last."""
        latest = write_store(folder / "results", Store(nights=2, images=1))
        self._latest = latest
        journals = sorted(latest.parent.glob("*/rows-*.jsonl"))
        return [Whole(path, _thinned(path.read_bytes()), self._read) for path in journals]

    def _read(self, path: Path) -> object:
        history = load_history(self._latest.parent)
        medians = nightly(history.samples, history.verdicts)
        frames = [frame.to_csv() for frame in (history.samples, history.verdicts, medians)]
        return frames, history.unreadable, job_summary(self._latest, (), history)


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

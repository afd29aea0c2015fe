"""When the disk of a session fills up, and which one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.virtual_phone.faults import Faults

Place = Literal["artifacts", "results", "report-dir", "tmp", "junit", "thresholds", "handset"]
"""Folder with a disk of its own: of an option, of ``TMPDIR``, or of the phone's ``/data``."""

_ROWS = "results/*/rows-main*.jsonl"
_OUTCOME = b'"kind":"outcome"'
_LAST_ROW = b'"kind":"session_end"'
_MEASURED = "notes/*.jsonl"


@dataclass(frozen=True)
class Moment:
    """One session in which one disk fills up.

    Attributes:
        name: In the table.
        place: Which disk.
        size_mib: Of the disk.
        when: Pattern of a path in the session's folder; the disk is filled, or the phone's fault
            armed, as soon as it is there. Empty for the beginning.
        holds: What a file there has to hold by then.
        suite: That the session runs.
        arguments: Further ones of the session.
        faults: What fills the phone's disk; None where the runner does it.
        last_act: What the phone's runner does at its end once it is time, as shell text.
        exports: Whether the session makes its artifact.
    """

    name: str
    place: Place
    size_mib: int
    when: str = ""
    holds: bytes = b""
    suite: Literal["perf", "accuracy"] = "perf"
    arguments: tuple[str, ...] = ()
    faults: Faults | None = None
    last_act: str = ""
    exports: bool = False


def _on_phone(
    name: str, command: str | None = None, *, after_bytes: int | None = None, last_act: str = ""
) -> Moment:
    """The push is the first thing that happens; all else is waited for behind a sample."""
    faults = Faults(disk_full_on_command=command, disk_full_after_bytes=after_bytes)
    when = "" if after_bytes is not None else _MEASURED
    return Moment(name, "handset", 96, when, faults=faults, last_act=last_act)


MOMENTS = (
    _on_phone("push of a file", after_bytes=1_000_000),
    _on_phone("start of a run", "setsid sh -c"),
    _on_phone("run under way", r"echo R \$now"),
    _on_phone("log of a run", last_act="head -c 200000000 /dev/zero | tr '\\0' x"),
    _on_phone("exit code of a run", last_act="cat /dev/zero > /data/local/tmp/rest 2>/dev/null"),
    _on_phone("pull of an answer", r"then s=\$\(wc -c"),
    Moment("export into the cache", "artifacts", 64, "artifacts/building/*", exports=True),
    Moment("answers of the float model", "artifacts", 64, suite="accuracy"),
    Moment("journal, at its beginning", "results", 4),
    Moment("journal, at a sample", "results", 4, _ROWS, b'"kind":"sample"'),
    Moment("pictures beside the journal", "results", 4, "results/*/thumbnails", suite="accuracy"),
    Moment(
        "journals of two workers",
        "results",
        4,
        "results/*/rows-gw*.jsonl",
        b'"kind":"sample"',
        arguments=("-n", "2"),
    ),
    Moment("start of a run", "tmp", 64, _MEASURED),
    Moment("log of a run", "tmp", 64, "tmp/snapgate-run-*/stdout"),
    Moment("report", "report-dir", 4, _ROWS, _LAST_ROW),
    Moment("junit.xml of pytest", "junit", 1, _ROWS, _OUTCOME, arguments=("--junitxml",)),
    Moment(
        "gates to be added", "thresholds", 1, _ROWS, _LAST_ROW, arguments=("--update-thresholds",)
    ),
)

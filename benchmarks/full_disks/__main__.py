"""What a full disk costs a session: ``python -m benchmarks.full_disks``.

Each session has one disk of a few megabytes, a file system of its own, that is filled at a moment
of a run: of a virtual phone or of this machine. Its cause must be named within 15 s, nothing that
was measured may be lost, no part of anything may be left, and the exit status is 15. Disks are
mounted in a namespace of this process's own, so that nothing of them outlives it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.table import Table

from benchmarks.full_disks.moments import MOMENTS
from benchmarks.full_disks.small_disk import NoDisk
from benchmarks.full_disks.stage import BOUND_S, DiskOutcome, Stage
from benchmarks.fuzz.artifacts import export_miniature
from harness.console import PlainConsole
from harness.program import run_program

_OWN_MOUNTS = "SNAPGATE_OWN_MOUNTS"
"""Set where this process has a namespace of mounts for itself."""


def outcome_table(outcomes: Sequence[DiskOutcome]) -> Table:
    """A line per moment."""
    table = Table(title=f"{len(outcomes)} sessions with a full disk each (bound {BOUND_S:.0f} s)")
    table.add_column("moment")
    table.add_column("disk")
    for heading in ("named after s", "measured", "lost", "exit status"):
        table.add_column(heading, justify="right")
    table.add_column("left behind")
    table.add_column("good")
    for one in outcomes:
        table.add_row(
            one.moment.name,
            one.moment.place,
            "never" if one.named_s is None else f"{one.named_s:.1f}",
            str(one.measured),
            str(one.lost),
            str(one.exit_status),
            ", ".join(one.left) or "nothing",
            "yes" if one.is_good else "NO",
        )
    return table


def main() -> int:
    """Print a table and every sentence; 1 where a session is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="moments and disks with these words in them")
    parser.add_argument("--work", type=Path, help="folder for the sessions' files, which stays")
    options = parser.parse_args()
    if _OWN_MOUNTS not in os.environ:
        _begin_again_with_own_mounts()
    console = PlainConsole(width=160)
    outcomes = []
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="full-disks-")
        stage = Stage(options.work or Path(stack.enter_context(temporary)), export_miniature())
        for moment in MOMENTS:
            if options.only in f"{moment.place} {moment.name}":
                try:
                    outcomes.append(stage.play(moment))
                except NoDisk as error:
                    print(f"error: {error}", file=sys.stderr)
                    return 2
                console.print(f"{moment.place}, {moment.name}: {outcomes[-1].sentence}")
    console.print(outcome_table(outcomes))
    return 0 if all(one.is_good for one in outcomes) else 1


def _begin_again_with_own_mounts() -> None:
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    command = ("unshare", "--mount", *as_root, "--propagation", "private", "--")
    again = (sys.executable, "-m", "benchmarks.full_disks", *sys.argv[1:])
    os.environ[_OWN_MOUNTS] = "yes"
    os.execvp(command[0], (*command, *again))


if __name__ == "__main__":
    run_program(main)

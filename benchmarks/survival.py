"""What ``kill -9`` costs a session: ``python -m benchmarks.survival``.

Sessions on host, emulator and a virtual phone are killed at random moments, every second one right
behind the letter of any of its tests, before its row may be written. Every sample that was finished
has to be in the journal afterwards, whole, and no process of the session may live 5 s later. A case
is drawn from its number alone, so ``--first`` goes on where another start ended.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO

from rich.table import Table

from benchmarks.full_disks.session import ROOT
from benchmarks.full_disks.witness import FOLDER_VARIABLE, noted_rows
from benchmarks.fuzz.artifacts import export_miniature
from harness.artifacts.artifact import Artifact
from harness.console import PlainConsole
from harness.devices.lease import LEASE_DIR_VARIABLE
from harness.errors import UserError
from harness.program import run_program
from harness.results.journal_copies import read_rows
from harness.results.rows.schema import AnswerRow, SampleRow
from harness.vocabulary import Target

LEFT_S = 5.0
"""After which no process of a killed session may live."""


@dataclass(frozen=True)
class Sessions:
    """Sessions of one place.

    Attributes:
        target: Of their artifact.
        words: What pytest is told: suites that measure something there, and the device.
        latest_s: About what one takes on a quiet machine, or less where it repeats itself then.
        latest_letter: Which test of one is waited for at the most.
    """

    target: Target
    words: tuple[str, ...]
    latest_s: float
    latest_letter: int


_SPEED = ("suites/size", "suites/perf", "--runs", "5")
_PLACES: dict[str, Sessions] = {
    "host": Sessions("host", _SPEED, 35.0, 18),
    # An emulator has no speed.
    "emulator": Sessions("emulator", ("suites/size", "suites/accuracy"), 100.0, 8),
    "virtual": Sessions("host", (*_SPEED, "--serial", "virtual:SM8550"), 120.0, 18),
}
_LETTER_S = 300.0
"""After which a letter that does not come is waited for no more."""

_LETTERS = re.compile(rb"^(?:\S+\.py )?([.NIFBQsE]+)(?=\s|$)", re.MULTILINE)
"""Of tests that have ended, on lines of their own where something was said in between."""

_LETTER_DELAY_S = 0.05
_RUN_ID = "20261129T120000Z-5a4e1e"
_ENDINGS = (0, 1, -signal.SIGKILL)
"""Statuses of sessions that ran: to the end, with verdicts that pass or fail, or until the kill."""


@dataclass(frozen=True)
class Killed:
    """What was left of a session.

    Attributes:
        place: Where it ran.
        moment: When it was killed.
        measured: Samples and answers that it had finished.
        lost: Of these, what its journal does not have.
        damage: What is wrong with the journal; empty for nothing.
        alive: Processes that lived on.
    """

    place: str
    moment: str
    measured: int
    lost: int
    damage: str
    alive: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether the kill cost the session alone."""
        return not (self.lost or self.damage or self.alive)


def kill_one(case: int, place: str, artifact: Artifact, folder: Path) -> Killed:
    """Start a session and kill it at the moment of a case.

    Raises:
        UserError: If the session refused to run.
    """
    sessions = _PLACES[place]
    dice = Random(case)
    waits_for_letter = bool(case % 2)
    delay_s = dice.uniform(0, _LETTER_DELAY_S if waits_for_letter else sessions.latest_s)
    number = dice.randint(1, sessions.latest_letter)
    for name in ("notes", "lease", "results", "report"):
        (folder / name).mkdir(parents=True)
    command = [
        *(sys.executable, "-u", "-m", "pytest", "-p", "no:cacheprovider"),
        *(*sessions.words, "--model", "tiny_smolvlm"),
        *("--run-id", _RUN_ID, f"--results={folder / 'results'}"),
        *(f"--report-dir={folder / 'report'}", f"--pre-gen-pte={artifact.directory}"),
    ]
    marks = {
        FOLDER_VARIABLE: str(folder / "notes"),
        LEASE_DIR_VARIABLE: str(folder / "lease"),
        "PYTEST_PLUGINS": "benchmarks.full_disks.witness",
        "PYTHONPATH": str(ROOT),
    }
    began_s = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **marks},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    ) as session:
        assert session.stdout is not None
        listener = _Listener(session.stdout)
        came = waits_for_letter and listener.hears(number, _LETTER_S)
        time.sleep(delay_s)
        moment = f"{time.monotonic() - began_s:.1f} s"
        session.send_signal(signal.SIGKILL)
        if session.wait() not in _ENDINGS:
            raise UserError(
                f"a session on {place} ended with {session.returncode} before it was killed; "
                f"type: {shlex.join(command)}"
            )
        time.sleep(LEFT_S)
        alive = tuple(_alive(folder))
    moment = f"{delay_s * 1000:.0f} ms behind letter {number}" if came else moment
    return _judged(place, moment, folder, alive)


class _Listener:
    """Reads what a session says, and counts its letters."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._count, self._is_over = 0, False
        threading.Thread(target=self._read, daemon=True).start()

    def hears(self, number: int, most_s: float) -> bool:
        """Wait for a letter; whether it came."""
        with self._changed:
            self._changed.wait_for(lambda: self._count >= number or self._is_over, most_s)
            return self._count >= number

    def _read(self) -> None:
        said = b""
        while part := self._stream.read(4096):
            said += part
            with self._changed:
                self._count = letters(said)
                self._changed.notify()
        with self._changed:
            self._is_over = True
            self._changed.notify()


def letters(said: bytes) -> int:
    """How many tests have ended, as a session's output tells."""
    return sum(len(found[1]) for found in _LETTERS.finditer(said))


def _judged(place: str, moment: str, folder: Path, alive: tuple[str, ...]) -> Killed:
    measured = noted_rows(folder / "notes")
    written: set[str] = set()
    damage = ""
    run = folder / "results" / _RUN_ID
    if run.is_dir():
        try:
            rows = read_rows(run).rows
        except UserError as error:
            rows, damage = (), str(error)
        written = {row.model_dump_json() for row in rows if isinstance(row, SampleRow | AnswerRow)}
    lost = sum(row not in written for row in measured)
    return Killed(place, moment, len(measured), lost, damage, alive)


def _alive(folder: Path) -> Iterator[str]:
    """Command lines of processes that have the session's folder in their environment."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(folder / "notes") in (process / "environ").read_bytes():
                yield (process / "cmdline").read_text(errors="replace").replace("\0", " ")[:100]


def kill_table(cases: Sequence[Killed]) -> Table:
    """A line per place that was tried."""
    table = Table(
        title=f"{len(cases)} sessions, each ended by kill -9 (left: after {LEFT_S:.0f} s)"
    )
    table.add_column("place")
    for heading in ("kills", "behind a letter", "samples finished", "lost", "damaged", "left"):
        table.add_column(heading, justify="right")
    for place in dict.fromkeys(one.place for one in cases):
        some = [one for one in cases if one.place == place]
        counts = (
            len(some),
            sum("letter" in one.moment for one in some),
            sum(one.measured for one in some),
            sum(one.lost for one in some),
            sum(bool(one.damage) for one in some),
            sum(len(one.alive) for one in some),
        )
        table.add_row(place, *map(str, counts))
    return table


def main() -> int:
    """Print a table, and every case that is not as it has to be; 1 if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--place", choices=_PLACES, action="append", help="all, one after another")
    options = parser.parse_args()
    console = PlainConsole()
    places = tuple(options.place or _PLACES)
    artifacts = {place: export_miniature(_PLACES[place].target) for place in places}
    killed = []
    for case in range(options.first, options.first + options.cases):
        place = places[case // 2 % len(places)]
        with tempfile.TemporaryDirectory(prefix="survival-") as folder:
            one = kill_one(case, place, artifacts[place], Path(folder))
        killed.append(one)
        print(f"{case}: {one}", file=sys.stderr, flush=True)
        if not one.is_good:
            console.print(f"case {case} on {place}, {one.moment}: {one}")
    console.print(kill_table(killed))
    return 0 if all(one.is_good for one in killed) else 1


if __name__ == "__main__":
    run_program(main)

"""How fast files get to a phone: ``python -m benchmarks.adb_push``.

adbutils' own push and ours, in turn, to a virtual phone behind a real adb server:

- ``adbutils``: the bare transfer, which checks nothing.
- ``ours, bare``: the same transfer in our stream, for comparison.
- ``ours, verified``: what a session does, and what the bound is about: look at what is there, send
  while the phone hashes what arrives, rename it. The file's hash on this machine is remembered, as
  from an earlier session.
- ``ours, again``: a push of what is there already. It sends nothing; the phone hashes.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import adbutils
from rich.table import Table

from harness.console import PlainConsole
from harness.devices.adb.client import AdbPhone
from harness.devices.adb.programs import AdbProgram, adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.lease import lease_folder, machine_lease
from harness.devices.phone.files.deployment import Pushed, push_files
from harness.devices.phone.files.local_digests import LocalDigests
from harness.devices.phone.files.transfer import FileToPush
from harness.devices.transport.phone import SendLimits
from harness.program import run_program
from harness.virtual_phone.phone_process import PhoneProcess
from harness.virtual_phone.private_server import PrivateAdbServer

MEMORY_BOUND_MIB = 100
"""Most memory that this process may ever hold, whatever the size of the file."""

REMOTE = "/data/local/tmp/pushed.bin"

REMOVE_S = 60.0

SETTLED_S = 3.0


ADBUTILS, BARE, VERIFIED, AGAIN = "adbutils", "ours, bare", "ours, verified", "ours, again"


def write_random(path: Path, megabytes: int) -> None:
    """Write so many million bytes that nothing can compress."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(10**6))


def seconds_of(push: Callable[[], object]) -> float:
    """Wall time."""
    began = time.perf_counter()
    push()
    return time.perf_counter() - began


def send(phone: AdbPhone, local: Path) -> None:
    """Send a file, and believe the phone that it arrived."""
    limits = SendLimits(stall_s=20.0, total_s=3600.0)
    with local.open("rb", buffering=0) as file:
        phone.send(file, local.stat().st_size, REMOTE, limits, lambda sent: None)


def measure(adb: Path, local: Path, digests: LocalDigests, rounds: int) -> dict[str, list[float]]:
    """Seconds of each push, by the way it went.

    They take turns forwards and backwards, so that a machine that slows down slows all.
    """
    seconds: dict[str, list[float]] = {ADBUTILS: [], BARE: [], VERIFIED: [], AGAIN: []}
    with PrivateAdbServer(adb) as server, PhoneProcess() as virtual:
        serial = server.attach(virtual)
        device = adbutils.AdbClient("127.0.0.1", server.port).device(serial)
        phone = AdbPhone(AdbServer(ServerAddress(port=server.port)), serial)
        file = FileToPush(local, REMOTE)

        def verified() -> Pushed:
            return push_files(phone, [file], digests)[0]

        turns: list[tuple[str, Callable[[], object]]] = [
            (ADBUTILS, lambda: device.sync.push(local, REMOTE)),
            (BARE, lambda: send(phone, local)),
            (VERIFIED, verified),
        ]
        for _ in range(rounds):
            for name, push in turns:
                phone.ask(f"rm -f {REMOTE}", REMOVE_S)
                seconds[name].append(seconds_of(push))
            verified()
            seconds[AGAIN].append(seconds_of(verified))
            turns.reverse()
    return seconds


def report(title: str, megabytes: int, seconds: dict[str, list[float]]) -> Table:
    """Rates and times of each way."""
    caption = f"{VERIFIED}: this machine's hash of the file was remembered from before"
    table = Table(title=title, caption=caption)
    table.add_column("push")
    for heading in ("median MB/s", "min MB/s", "max MB/s", "median s"):
        table.add_column(heading, justify="right")
    for name, times in seconds.items():
        rates = [megabytes / time_s for time_s in times]
        row = (statistics.median(rates), min(rates), max(rates))
        cells = [f"{rate:.0f}" for rate in row] if name != AGAIN else ["-", "-", "-"]
        table.add_row(name, *cells, f"{statistics.median(times):.2f}")
    return table


def main() -> int:
    """Print a table per adb server; 1 if a verified push is slower, or takes too much memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--adb", type=Path, help="adb to serve with; default: each one installed")
    options = parser.parse_args()
    programs = [program for program in adb_programs() if program.installed]
    if options.adb:
        programs = [AdbProgram(str(options.adb), options.adb)]
    console, within = PlainConsole(), True
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "pushed.bin"
        write_random(local, options.megabytes)
        # A file is remembered only once it has been left alone for a while.
        time.sleep(SETTLED_S)
        digests = LocalDigests(Path(folder) / "digests.json")
        digests.of(local)
        for program in programs:
            with machine_lease(lease_folder(), "exclusive"):
                seconds = measure(program.path, local, digests, options.rounds)
            title = f"{options.megabytes} MB, {options.rounds} rounds, adb: {program.name}"
            console.print(report(title, options.megabytes, seconds))
            within &= statistics.median(seconds[VERIFIED]) <= statistics.median(seconds[ADBUTILS])
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"most memory of this process: {peak_mib:.0f} MiB (bound {MEMORY_BOUND_MIB})")
    return 0 if within and peak_mib < MEMORY_BOUND_MIB else 1


if __name__ == "__main__":
    run_program(main)

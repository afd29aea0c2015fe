"""What the way over a phone costs a run: ``python -m benchmarks.phone_overhead``.

The same runner answers the same request, in a process of its own each time: on a virtual phone
behind a real adb server, with everything pushed before, and on this machine directly. They take
turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.table import Table

from benchmarks.decode_bookkeeping import miniatures, spread_table
from harness.artifacts.artifact import Artifact, open_artifact
from harness.console import PlainConsole
from harness.devices.host import HostDevice
from harness.devices.lease import lease_folder, machine_lease
from harness.devices.virtual_session import open_virtual_phone
from harness.program import run_program
from harness.runtime.request import Request, RunOptions

BOUND_S = 1.5
"""Most that the way over a phone may cost a run, in the median."""

_OPTIONS = RunOptions(mode="hybrid", max_new_tokens=8, ignore_eos=True)
_PIXELS = 64


@dataclass(frozen=True)
class Overhead:
    """Wall time of each round in seconds, and what later runs pushed.

    Attributes:
        direct_s: Of the runner started directly.
        phone_s: Of a run on the phone.
        bytes_sent_again: In all runs on the phone but the first.
    """

    direct_s: tuple[float, ...]
    phone_s: tuple[float, ...]
    bytes_sent_again: int

    @property
    def median_s(self) -> float:
        """What a run on the phone takes more, in the median of the rounds."""
        pairs = zip(self.phone_s, self.direct_s, strict=True)
        return statistics.median(phone - direct for phone, direct in pairs)

    @property
    def is_within_bounds(self) -> bool:
        """Whether the phone costs little enough and pushes nothing twice."""
        return self.median_s <= BOUND_S and self.bytes_sent_again == 0


def measure(artifact: Artifact, rounds: int, request: Request) -> Overhead:
    """Run in turn; one round before the first is not counted."""
    host = HostDevice()
    with open_virtual_phone("virtual:SM8550") as phone:
        ways: dict[str, Callable[[], object]] = {
            "direct": lambda: host.run(artifact, [request], _OPTIONS),
            "phone": lambda: phone.run(artifact, [request], _OPTIONS),
        }
        for run in ways.values():
            run()
        sent = phone.bytes_sent
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(rounds):
            for name in sorted(ways, reverse=turn % 2 == 1):
                seconds[name].append(_seconds_of(ways[name]))
        again = phone.bytes_sent - sent
    return Overhead(tuple(seconds["direct"]), tuple(seconds["phone"]), again)


def _seconds_of(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def overhead_table(title: str, overhead: Overhead) -> Table:
    """Median and range of both ways, and of their difference."""
    pairs = zip(overhead.phone_s, overhead.direct_s, strict=True)
    rows = {
        "started directly": overhead.direct_s,
        "on the virtual phone": overhead.phone_s,
        f"more on the phone (bound {BOUND_S})": tuple(phone - direct for phone, direct in pairs),
    }
    return spread_table(title, "run", "s", rows, digits=2)


def main() -> int:
    """Print a table; 1 if the median is above the bound or a later run pushed something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, help="for the host; default: tiny_smolvlm's")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    artifact = open_artifact(options.artifact) if options.artifact else miniatures()[0]
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "red.png"
        Image.new("RGB", (_PIXELS, _PIXELS), "red").save(picture)
        request = Request(id="bench", prompts=("<image>What is this?",), images=(str(picture),))
        with machine_lease(lease_folder(), "exclusive"):
            overhead = measure(artifact, options.rounds, request)
    console = PlainConsole()
    console.print(overhead_table(f"{artifact.manifest.model}, {options.rounds} rounds", overhead))
    console.print(f"pushed by all runs but the first: {overhead.bytes_sent_again} bytes")
    return 0 if overhead.is_within_bounds else 1


if __name__ == "__main__":
    run_program(main)

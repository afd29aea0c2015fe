"""Whether a farm judges as one machine does: ``python -m benchmarks.farm_verdicts``.

Runs all suites of both miniatures here, then over the hosts of a farm on this machine, then asks
the farm again, which has nothing left to run. Exit status 1 where a test ended otherwise, or
where what was stored is run again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.local_farm import ROOT, LocalFarm, LocalHost
from harness.program import run_program
from harness.results.rows.schema import SampleRow
from harness.results.run import Run
from harness.results.runs import latest_run

_SUITES = ("accuracy", "perf", "robustness", "size")


@dataclass(frozen=True)
class _Session:
    """A session that ended.

    Attributes:
        status: Its exit status.
        took_s: Its wall time.
        ends: By test, outcome and what judged it.
        samples: That it measured, with their times.
        is_whole: Whether the run is, with one report.
    """

    status: int
    took_s: float
    ends: dict[str, tuple[str, str]]
    samples: frozenset[SampleRow]
    is_whole: bool


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where the farm tells anything else, or runs anything twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.farm_verdicts", description=__doc__)
    parser.add_argument("--hosts", type=int, default=4, help="default: %(default)s")
    parser.add_argument("words", nargs="*", help="for pytest; default: what suites judge unasked")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="farm-") as name:
        folder = Path(name)
        alone = _run(folder / "alone", options.words)
        _tell("alone", alone)
        hosts = [LocalHost(f"host{at}") for at in range(options.hosts)]
        with LocalFarm(folder, hosts) as farm:
            spread = _run(folder / "spread", [*options.words, *farm.words])
            _tell(f"over {options.hosts} hosts", spread)
            again = _run(folder / "again", [*options.words, *farm.words])
            _tell("asked again", again)
    differing = _told_of_differences(alone, spread) + _told_of_differences(alone, again)
    print(f"{differing} of {2 * len(alone.ends)} ends differ")
    is_kept = spread.samples == again.samples
    is_same = not differing and alone.ends and spread.is_whole and alone.status == spread.status
    return 0 if is_same and is_kept else 1


def _run(folder: Path, words: Sequence[str]) -> _Session:
    own = ["--results", str(folder / "results"), "--report-dir", str(folder / "report")]
    suites = [f"suites/{suite}" for suite in _SUITES]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *suites, *words, *own]
    started_s = time.monotonic()
    status = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode
    took_s = time.monotonic() - started_s
    run = Run.read(latest_run(folder / "results"))
    ends = {end.test_id: (str(end.outcome), str(end.status)) for end in run.outcomes}
    has_report = (folder / "report" / "index.html").exists()
    return _Session(status, took_s, ends, frozenset(run.samples), run.is_whole and has_report)


def _tell(where: str, session: _Session) -> None:
    print(
        f"{where}: {len(session.ends)} ends, exit status {session.status}, {session.took_s:.0f} s"
    )


def _told_of_differences(one: _Session, other: _Session) -> int:
    differing = 0
    for test_id in sorted(one.ends.keys() | other.ends.keys()):
        ends = one.ends.get(test_id), other.ends.get(test_id)
        if ends[0] != ends[1]:
            differing += 1
            print(f"{test_id}: alone {ends[0]}, by the farm {ends[1]}")
    return differing


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))

"""What a farm loses to faults: ``python -m benchmarks.farm_faults``.

Virtual phones on hosts of this machine, behind adb servers of their own, are given sessions with a
runner that only stands in for one, while workers, scheduler, adb servers and sessions are killed,
the store vanishes or is full, and the network between hosts and scheduler is cut. Exit status 1
where a result is lost or counted twice, a session ends otherwise than undisturbed, somebody still
holds a phone a minute after the night, or a fault found nothing to strike.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.decode_bookkeeping import miniatures
from benchmarks.farm_faults.laboratory import Laboratory
from benchmarks.farm_faults.night import FaultedNight
from benchmarks.farm_faults.plan import KINDS, draw
from benchmarks.farm_faults.tally import NightTally, seconds_until_free, tally
from harness.console import PlainConsole
from harness.farm.store import FarmStore
from harness.judging.questions import Scenes
from harness.program import run_program
from harness.results.runs import new_run_id

FREE_S = 60.0
"""After which nobody may hold a phone."""
_SHOWN = 10


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where anything is lost, doubled, disturbed or still held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.farm_faults", description=__doc__)
    parser.add_argument("--hosts", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--phones", type=int, default=4, help="of each host; default: %(default)s")
    parser.add_argument("--jobs", type=int, default=400, help="default: %(default)s")
    parser.add_argument("--faults", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--keep", type=Path, help="folder for logs; default: deleted in the end")
    options = parser.parse_args(arguments)
    # All that it started ends with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return _play(options, folder)


def _play(options: argparse.Namespace, folder: Path) -> int:
    console = PlainConsole()
    artifact = miniatures()[0]
    scenes = folder / "scenes"
    scenes.mkdir(exist_ok=True)
    request = Scenes(1, scenes).questions()[0].request()
    with Laboratory(
        folder, options.hosts, options.phones, artifact.manifest.family, request
    ) as laboratory:
        kinds = {
            name: kind
            for name, kind in KINDS.items()
            if name != "store full" or laboratory.has_disk
        }
        if not laboratory.has_disk:
            console.print("this user may mount no disk, so the store is never full")
        night = FaultedNight(laboratory, artifact, options.jobs)
        struck = night.pass_under(draw(options.seed, options.faults, kinds))
        free_s, held = seconds_until_free(laboratory.benches, FREE_S)
        store = FarmStore(str(laboratory.store))
        told = tally(night.orders, night.ends, store, folder / "results" / new_run_id())
    table = Table("fault", "struck")
    for kind, count in sorted(Counter(struck).items()):
        table.add_row(kind, str(count))
    table.add_row("all", str(len(struck)))
    console.print(table)
    console.print(_summary(night, told, free_s, held))
    is_good = not (told.lost or told.doubled or told.disturbed or held)
    return 0 if is_good and len(struck) == options.faults else 1


def _summary(night: FaultedNight, told: NightTally, free_s: float, held: Sequence[str]) -> Table:
    table = Table("what", "measured", "bound", "which")
    table.add_row(
        "jobs", str(len(night.orders)), "", f"{night.starts} starts, {night.took_s:.0f} s"
    )
    for what, which in (("lost", told.lost), ("ended otherwise", told.disturbed)):
        table.add_row(what, str(len(which)), "0", "; ".join(which[:_SHOWN]))
    table.add_row("counted twice", str(told.doubled), "0", "")
    table.add_row(
        f"phones held after {FREE_S:.0f} s", str(len(held)), "0", "; ".join(held[:_SHOWN])
    )
    table.add_row("all free after", f"{free_s:.0f} s", f"{FREE_S:.0f} s", "")
    return table


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))

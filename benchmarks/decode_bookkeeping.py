"""What a decode step costs beside ExecuTorch: ``python -m benchmarks.decode_bookkeeping``.

Everything between two ``execute`` calls is counted: writing inputs, sampling, committing the cache,
opening the mask, bytes to text.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from harness.artifacts.artifact import Artifact, open_artifact
from harness.checkpoint_source import find_checkpoint
from harness.commands.export import export_with_progress
from harness.console import PlainConsole
from harness.devices.lease import lease_folder, machine_lease
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.measure.run_stats import RunStats
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.runtime.files import RunFiles
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.registry import get_family, known_miniatures
from harness.vocabulary import Mode

BOUND_MS = 0.5
"""Most own time per decode step of a miniature."""


def measure(artifact: Artifact, mode: Mode, runs: int, steps: int, image: Path) -> list[RunStats]:
    """Run one conversation several times with a fixed number of decode steps."""
    options = RunOptions(mode=mode, max_new_tokens=steps, ignore_eos=True, warmup=1)
    family = get_family(artifact.manifest.family)
    runner = MultimodalRunner(RunFiles.of(artifact), family, options)
    request = Request(id="bench", prompts=("What is this?",), images=(str(image),))
    return [runner.run(request).last.stats for _ in range(runs)]


def report(title: str, stats: list[RunStats]) -> tuple[Table, bool]:
    """Milliseconds per decode step, and whether those outside of execute are within the bound."""
    steps = [run.generated_tokens for run in stats]
    total = [run.decode_ms / n for run, n in zip(stats, steps, strict=True)]
    execute = [(run.execute_ms or 0.0) / n for run, n in zip(stats, steps, strict=True)]
    own = [a - b for a, b in zip(total, execute, strict=True)]
    rows = {
        "total": total,
        "inside execute": execute,
        f"outside execute (bound {BOUND_MS})": own,
        "of which sampling": [run.sampling_ms / n for run, n in zip(stats, steps, strict=True)],
    }
    return spread_table(title, "per decode step", "ms", rows), statistics.median(own) <= BOUND_MS


def spread_table(
    title: str, heading: str, unit: str, rows: Mapping[str, Sequence[float]], digits: int = 3
) -> Table:
    """Median and range of each row's values, which are in ``unit``."""
    table = Table(title=title)
    table.add_column(heading)
    for name in ("median", "min", "max"):
        table.add_column(f"{name} {unit}", justify="right")
    for name, values in rows.items():
        cells = (statistics.median(values), min(values), max(values))
        table.add_row(name, *(f"{value:.{digits}f}" for value in cells))
    return table


def miniatures() -> list[Artifact]:
    """The miniatures' own artifacts, from the cache or exported now."""
    specs = known_miniatures()
    requests = [ExportRequest(spec, find_checkpoint(spec, None), Recipe()) for spec in specs]
    console = PlainConsole(stderr=True)
    return [
        export_with_progress(request, default_artifacts(), console).artifact for request in requests
    ]


def main() -> int:
    """Print one table per artifact and mode; 1 if a median is above the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, help="artifact folder; default: the miniatures'")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=100, help="decode steps of a run")
    options = parser.parse_args()
    artifacts = [open_artifact(options.artifact)] if options.artifact else miniatures()
    console = PlainConsole()
    within = True
    for artifact in artifacts:
        size = artifact.manifest.image_size_px
        modes: tuple[Mode, ...] = ("kv",) if artifact.manifest.mode == "kv" else ("kv", "hybrid")
        with tempfile.NamedTemporaryFile(suffix=".raw") as image:
            image.write(np.zeros((1, 3, size, size), np.float32).tobytes())
            image.flush()
            for mode in modes:
                with machine_lease(lease_folder(), "exclusive"):
                    stats = measure(artifact, mode, options.runs, options.steps, Path(image.name))
                title = f"{artifact.manifest.model}, {mode}, {options.runs} runs"
                table, fast_enough = report(title, stats)
                console.print(table)
                within = within and fast_enough
    return 0 if within else 1


if __name__ == "__main__":
    run_program(main)

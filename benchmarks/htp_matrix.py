"""Every SoC, recipe and component compiled and run: ``python -m benchmarks.htp_matrix``.

Each file of the matrix is compiled by Qualcomm's compiler, or taken from the artifact cache, looked
at for what was not delegated, loaded and run on the emulator; a phone's file is compared with the
emulator's instead. ``--pairwise`` takes a subset that still shows every pair of values.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.htp_cells import RECIPE_BY_LABEL, SOCS, Cell, all_cells, pairwise
from benchmarks.htp_lines import CellResult, table, with_delegates, with_times, with_twin, write_csv
from benchmarks.run_methods import CallTime
from harness.artifacts.manifest import ComponentFile
from harness.backends.qnn.delegates import read_delegates
from harness.backends.qnn.libraries import find_libraries
from harness.checkpoint_source import find_calibration, find_checkpoint
from harness.console import PlainConsole
from harness.errors import UserError
from harness.export.exporter import export_component
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.export.worker.process import ExportFailed
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.vlm.registry import get_spec

RUN_TIMEOUT_S = 900.0

_LOG_COLUMNS = 160


def look_at(cell: Cell, artifacts: Path, qnn_dir: Path | None) -> CellResult:
    """Compile one cell, or find it in the cache, and run it if it is the emulator's."""
    recipe = RECIPE_BY_LABEL[cell.recipe]
    precision = recipe.precision(cell.component)
    line = CellResult(cell.soc, cell.recipe, cell.component, cell.model, precision, cell.target)
    request = _request(cell, recipe, qnn_dir)
    try:
        cached = export_component(request, cell.component, artifacts, lambda *stage: None)
        line = _with_figures(line, cached.file)
        if cell.is_of_a_phone:
            return with_delegates(line, read_delegates(cached.path))
        return with_times(line, _run(cached.path, qnn_dir))
    except (UserError, ExportFailed) as failure:
        return replace(line, problem=str(failure).partition("\n")[0])


def fill(cells: Sequence[Cell], options: argparse.Namespace) -> list[CellResult]:
    """Look at all cells, some at a time, and keep the CSV up to date.

    Each cell is compiled and run in processes of its own, so threads only wait for them.

    Returns:
        One line per cell, in their order.
    """
    found: dict[Cell, CellResult] = {}
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeElapsedColumn(), console=PlainConsole(stderr=True)) as progress,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        bar = progress.add_task("cells", total=len(cells))
        asked = {
            pool.submit(look_at, cell, options.artifacts, options.qnn_dir): cell for cell in cells
        }
        try:
            for future in as_completed(asked):
                found[asked[future]] = future.result()
                progress.advance(bar)
                # After every cell: hours of work must survive an interruption.
                write_csv(options.out, _judged(cells, found))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return _judged(cells, found)


def _judged(cells: Sequence[Cell], found: Mapping[Cell, CellResult]) -> list[CellResult]:
    """What was found so far, in the order of the cells, phones' files next to their twins'."""
    return [
        with_twin(found[cell], found.get(cell.twin)) if cell.is_of_a_phone else found[cell]
        for cell in cells
        if cell in found
    ]


def _request(cell: Cell, recipe: Recipe, qnn_dir: Path | None) -> ExportRequest:
    spec = get_spec(cell.model)
    return ExportRequest(
        spec=spec,
        checkpoint=find_checkpoint(spec, None),
        recipe=recipe,
        target=cell.target,
        soc=cell.soc,
        calibration=find_calibration(spec, None) if recipe.takes_samples else None,
        qnn_dir=qnn_dir,
    )


def _with_figures(line: CellResult, file: ComponentFile) -> CellResult:
    ops = {op for graph in file.graphs for op in graph.cpu_ops}
    return replace(
        line,
        pte_bytes=file.pte_bytes,
        export_s=file.export_s or 0.0,
        delegates=max((graph.delegates for graph in file.graphs), default=0),
        cpu_ops=" ".join(sorted(ops)),
        spill_bytes=file.spill_bytes,
    )


def _run(path: Path, qnn_dir: Path | None) -> dict[str, CallTime]:
    """Run all methods of a file in a process of its own.

    Raises:
        UserError: If that process fails.
    """
    where = [] if qnn_dir is None else ["--qnn-dir", str(qnn_dir)]
    command = [sys.executable, "-m", "benchmarks.run_methods", str(path), *where]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{path} did not run within {RUN_TIMEOUT_S:.0f} s.") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UserError(f"{path.name} ended with exit code {done.returncode}: {last}")
    took = json.loads(done.stdout.splitlines()[-1])
    return {name: CallTime(**call) for name, call in took.items()}


def main() -> int:
    """Print the table and write the CSV.

    Returns:
        1 if a cell is not good, 2 for a user error.
    """
    options = _parser().parse_args()
    # A log has no width to fit into; folded, the columns cannot be read.
    console = PlainConsole(width=None if sys.stdout.isatty() else _LOG_COLUMNS)
    try:
        find_libraries(options.qnn_dir)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    cells = tuple(cell for cell in all_cells() if cell.soc in (options.soc or SOCS))
    lines = fill(pairwise(cells) if options.pairwise else cells, options)
    console.print(table(lines))
    console.print(f"written to {options.out}")
    return 0 if all(line.is_good for line in lines) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.htp_matrix",
        description="Compile every SoC, recipe, component and miniature for the HTP; run them all.",
    )
    parser.add_argument("--pairwise", action="store_true", help="a subset that shows every pair")
    parser.add_argument("--soc", action="append", choices=SOCS, help="repeatable; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time; default: 2")
    parser.add_argument("--qnn-dir", type=Path, help="QNN libraries")
    parser.add_argument("--artifacts", type=Path, default=default_artifacts(), metavar="DIR")
    parser.add_argument(
        "--out", type=Path, default=Path("reports/out/htp_matrix.csv"), metavar="FILE"
    )
    return parser


if __name__ == "__main__":
    run_program(main)

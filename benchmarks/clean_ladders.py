"""Whether ladders accuse what is right: ``python -m benchmarks.clean_ladders``.

Climbs ladders of miniatures that nothing is wrong with, each about other scenes, over models,
targets and recipes. Exit status 1 where one of them is accused.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import track
from rich.table import Table

from harness.checkpoint_source import find_calibration, find_checkpoint
from harness.console import PlainConsole
from harness.export.exporter import export_artifact
from harness.export.recipe import default_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.heartbeat import tell_nobody
from harness.ladder.climb import climb, exercises_of, stages_of, subject_of
from harness.ladder.comparison import Ladder
from harness.ladder.conversations import scene_conversations
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.targets.registry import get_target
from harness.vlm.registry import get_spec
from harness.vocabulary import Mode, Target


@dataclass(frozen=True)
class _Cell:
    """What ladders are of."""

    model: str
    target: Target
    precision: str
    mode: Mode = "hybrid"


CELLS = (
    _Cell("tiny_smolvlm", "host", "fp32"),
    _Cell("tiny_internvl3", "host", "fp32"),
    _Cell("tiny_smolvlm", "host", "8da4w"),
    _Cell("tiny_internvl3", "host", "8da8w"),
    _Cell("tiny_smolvlm", "host", "fp32", "kv"),
    _Cell("tiny_smolvlm", "emulator", "16a8w"),
    _Cell("tiny_internvl3", "emulator", "16a8w"),
    _Cell("tiny_smolvlm", "emulator", "16a4w_block"),
    _Cell("tiny_internvl3", "emulator", "fp16"),
    _Cell("tiny_internvl3", "emulator", "16a8w", "kv"),
)


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where a ladder accuses anybody."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clean_ladders", description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=10, help="ladders of each; default: %(default)s"
    )
    parser.add_argument("--cell", type=int, action="append", choices=range(len(CELLS)))
    options = parser.parse_args(arguments)
    table = Table("model", "target", "mode", "precision", "ladders", "accused", "least dB above")
    accusations = []
    for number in options.cell or range(len(CELLS)):
        cell = CELLS[number]
        ladders = list(_ladders(cell, options.runs))
        found = [ladder.accusation for ladder in ladders if ladder.accusation]
        accusations += found
        least = min(
            rung.likeness.sqnr_db - rung.bound.whole for one in ladders for rung in one.rungs
        )
        words = (cell.model, cell.target, cell.mode, cell.precision)
        table.add_row(*words, str(len(ladders)), str(len(found)), f"{least:.1f}")
    PlainConsole(width=100).print(table)
    for accusation in accusations:
        print(accusation)
    return 1 if accusations else 0


def _ladders(cell: _Cell, runs: int) -> Iterator[Ladder]:
    spec = get_spec(cell.model)
    recipe = parse_precision(cell.precision, default_recipe(get_target(cell.target)))
    request = ExportRequest(
        spec=spec,
        checkpoint=find_checkpoint(spec, None),
        recipe=recipe,
        mode=cell.mode,
        target=cell.target,
        calibration=find_calibration(spec, None) if recipe.takes_samples else None,
    )
    artifact = export_artifact(request, default_artifacts(), lambda component, stage: None).artifact
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subject = subject_of(request, artifact, folder)
        stages = list(stages_of(subject, tell_nobody))
        words = f"{cell.model} {cell.precision} {cell.mode} on {cell.target} "
        for run in track(range(runs), words, console=PlainConsole(stderr=True)):
            asked = scene_conversations(2, folder, start=100 + 2 * run)
            exercises = exercises_of(asked, subject, tell_nobody)
            yield climb(exercises, stages, tell_nobody)


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))

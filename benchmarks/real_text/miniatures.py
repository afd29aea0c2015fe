"""The same recipes on miniatures: ``python -m benchmarks.real_text.miniatures``.

Miniatures were trained on drawn scenes, with weights of 4 bits in mind; what they answer tells
broken recipes from whole ones, and not one whole recipe from another.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.table import Table

from benchmarks.real_text.recipes import recipes
from harness.artifacts.artifact import Artifact
from harness.backends.qnn.provider import activate
from harness.checkpoint_source import find_calibration, find_checkpoint
from harness.commands.export import export_with_progress
from harness.console import PlainConsole
from harness.errors import UserError
from harness.export.recipe import Recipe, default_recipe
from harness.export.request import ExportRequest
from harness.miniatures.scenes import evaluation_samples
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.runtime.files import RunFiles
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.targets.registry import DEFAULT_TARGET, get_target
from harness.targets.target import TargetSpec
from harness.vlm.registry import get_family, known_miniatures
from harness.vlm.spec import VlmSpec


def main() -> int:
    """Print how many scenes each miniature answers right in each recipe."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_text.miniatures", description=__doc__
    )
    parser.add_argument("--target", default=DEFAULT_TARGET, help="default: %(default)s")
    parser.add_argument("--soc", help="of an emulator; default: the target's")
    parser.add_argument("--scenes", type=int, default=102, help="default: %(default)s")
    options = parser.parse_args()
    try:
        table = _table(get_target(options.target), options.soc, options.scenes)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    PlainConsole().print(table)
    return 0


def _table(target: TargetSpec, soc: str | None, scenes: int) -> Table:
    if target.backend.is_htp:
        activate()
    specs = known_miniatures()
    table = Table(title=f"right answers of {scenes} scenes on {target.name}")
    table.add_column("recipe", no_wrap=True)
    for spec in specs:
        table.add_column(spec.name, justify="right")
    for name, recipe in {"default": default_recipe(target), **recipes(target)}.items():
        right = [_right(_export(spec, recipe, target, soc), scenes) for spec in specs]
        table.add_row(name, *map(str, right))
    return table


def _export(spec: VlmSpec, recipe: Recipe, target: TargetSpec, soc: str | None) -> Artifact:
    request = ExportRequest(
        spec,
        find_checkpoint(spec, None),
        recipe,
        target=target.name,
        soc=soc,
        calibration=find_calibration(spec, None) if recipe.takes_samples else None,
    )
    return export_with_progress(request, default_artifacts(), PlainConsole(stderr=True)).artifact


def _right(artifact: Artifact, scenes: int) -> int:
    options = RunOptions(mode=artifact.manifest.mode)
    family = get_family(artifact.manifest.family)
    runner = MultimodalRunner(RunFiles.of(artifact), family, options)
    right = 0
    with tempfile.TemporaryDirectory() as folder:
        picture = str(Path(folder) / "scene.png")
        for sample in evaluation_samples(scenes):
            sample.draw().save(picture)
            asked = Request(id="s", prompts=(sample.question.prompt,), images=(picture,))
            answer = runner.run(asked).last.text
            for stop in family.stop_tokens:
                answer = answer.removesuffix(stop)
            right += answer.strip() == sample.question.answer
    return right


if __name__ == "__main__":
    run_program(main)

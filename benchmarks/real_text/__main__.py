"""Perplexity and short questions on real language: ``python -m benchmarks.real_text``.

Every recipe reads the same text as the float model, token by token as it stands there, through the
runner's own prefill. Ends with 1 where a gate of ``perplexity_ratio`` is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from benchmarks.real_text.likelihood import ModuleText, float_decoder, token_table
from benchmarks.real_text.questions import QUESTIONS
from benchmarks.real_text.reading import (
    ReferenceText,
    TextReading,
    read,
    read_files,
    reference_text,
)
from benchmarks.real_text.recipes import recipes
from benchmarks.real_text.samples import embedded_rows, write_samples
from benchmarks.real_text.simulated import simulated
from benchmarks.real_text.text import CONTEXT, windows
from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import details_label
from harness.backends.qnn.provider import activate
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.commands.export import export_with_progress
from harness.console import PlainConsole
from harness.errors import UserError, suggest
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.measure.estimate_verdict import judge_estimate
from harness.measure.gate import Context, find_gate
from harness.measure.proposal import Provenance
from harness.measure.verdict import Status, Verdict
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.results.thresholds import load_gates
from harness.targets.registry import DEFAULT_TARGET, get_target
from harness.targets.target import TargetSpec
from harness.vlm.registry import get_spec

METRIC = "perplexity_ratio"
_THRESHOLDS = Path(__file__).parents[2] / "thresholds"
_COLUMNS = 120


def main() -> int:
    """Print a table and what gates say of it; 1 if one is broken, 2 for a user error."""
    options = _parser().parse_args()
    console = PlainConsole(width=None if sys.stdout.isatty() else _COLUMNS)
    try:
        target = get_target(options.target)
        known = recipes(target)
        for name in options.recipe or ():
            if name not in known:
                raise UserError(f"There is no recipe {name!r}; {suggest(name, known)}.")
        chosen = {name: known[name] for name in options.recipe or known}
        verdicts = _read_all(options, target, chosen, console)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for verdict in verdicts:
        console.print(f"{verdict.status.upper()}: {verdict.sentence}", soft_wrap=True)
    return 1 if any(verdict.status == Status.FAIL for verdict in verdicts) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_text", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of real language")
    parser.add_argument("--model", default="smolvlm_256m", help="that the checkpoint is")
    parser.add_argument("--target", default=DEFAULT_TARGET, help="default: %(default)s")
    parser.add_argument("--soc", help="of an emulator; default: the target's")
    parser.add_argument("--recipe", action="append", help="by name, several times; default: all")
    parser.add_argument("--tokens", type=int, default=4096, help="default: %(default)s")
    parser.add_argument(
        "--simulated", action="store_true", help="weights in torch, nothing exported and asked"
    )
    parser.add_argument("--no-questions", action="store_true", help="measure perplexity alone")
    return parser


def _read_all(
    options: argparse.Namespace,
    target: TargetSpec,
    chosen: dict[str, Recipe],
    console: PlainConsole,
) -> list[Verdict]:
    checkpoint = open_checkpoint(options.checkpoint, get_spec(options.model))
    tokenizer = checkpoint.directory / "tokenizer.json"
    floating = ModuleText(float_decoder(checkpoint, CONTEXT), token_table(checkpoint))
    text = reference_text(floating, windows(tokenizer, options.tokens))
    del floating
    progress, readings = PlainConsole(stderr=True), []
    with tempfile.TemporaryDirectory() as folder:
        samples = write_samples(Path(folder), tokenizer)
        for name, recipe in chosen.items():
            if options.simulated:
                reading = _simulate(name, checkpoint, recipe, target, samples, text)
            else:
                artifact = _export(options, recipe, target, samples)
                reading = read_files(name, artifact, text, ask=not options.no_questions)
            progress.print(f"{name}: {reading.perplexity:.3f}, {reading.ratio.value:.4f} of float")
            readings.append(reading)
    console.print(_table(options, target, text.perplexity, readings))
    pairs = zip(chosen.values(), readings, strict=True)
    return [_judge(options.model, target, recipe, reading) for recipe, reading in pairs]


def _simulate(
    name: str,
    checkpoint: Checkpoint,
    recipe: Recipe,
    target: TargetSpec,
    samples: Path,
    text: ReferenceText,
) -> TextReading:
    rows = embedded_rows(checkpoint, samples)
    started = time.monotonic()
    decoder = simulated(checkpoint, recipe, target, CONTEXT, rows)
    seconds = time.monotonic() - started
    reader = ModuleText(decoder, token_table(checkpoint))
    return replace(read(name, reader, text), seconds=seconds)


def _export(
    options: argparse.Namespace, recipe: Recipe, target: TargetSpec, samples: Path
) -> Artifact:
    request = ExportRequest(
        spec=get_spec(options.model),
        checkpoint=options.checkpoint,
        recipe=recipe,
        target=target.name,
        soc=options.soc,
        calibration=samples if recipe.takes_samples else None,
    )
    console = PlainConsole(stderr=True)
    artifact = export_with_progress(request, default_artifacts(), console).artifact
    if target.backend.is_htp:
        activate()
    return artifact


def _table(
    options: argparse.Namespace,
    target: TargetSpec,
    float_perplexity: float,
    readings: Iterable[TextReading],
) -> Table:
    table = Table(
        title=f"{options.model} on {target.name}, {options.tokens:,} tokens in windows of "
        f"{CONTEXT}, float {float_perplexity:.3f}"
    )
    table.add_column("recipe", no_wrap=True)
    for heading in ("perplexity", "over float", "98.5 % sure", "right", "decoder MB", "seconds"):
        table.add_column(heading, justify="right")
    for one in readings:
        ratio = one.ratio
        sure = "" if ratio.lower is None else f"{ratio.lower:.3f} to {ratio.upper:.3f}"
        table.add_row(
            one.recipe,
            f"{one.perplexity:.3f}",
            f"{ratio.value:.4f}",
            sure,
            "" if one.right is None else f"{one.right} of {len(QUESTIONS)}",
            "" if one.decoder_bytes is None else f"{one.decoder_bytes / 1e6:.1f}",
            "" if one.seconds is None else f"{one.seconds:.0f}",
        )
    return table


def _judge(model: str, target: TargetSpec, recipe: Recipe, reading: TextReading) -> Verdict:
    precision = recipe.text_decoder + details_label(
        recipe.htp, recipe.weights, recipe.decoder.beside(recipe.text_decoder, recipe.htp)
    )
    context = Context(
        model=model, target=target.name, precision=precision, component="text_decoder"
    )
    gate = find_gate(load_gates(_THRESHOLDS), METRIC, context)
    today = datetime.now(UTC).date()
    provenance = Provenance(source="python -m benchmarks.real_text", since=today)
    return judge_estimate(reading.ratio, gate, METRIC, context, provenance=provenance)


if __name__ == "__main__":
    run_program(main)

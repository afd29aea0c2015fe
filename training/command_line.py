"""Command line: ``python -m training {train,evaluate} NAME``, or ``calibration``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from harness.console import PlainConsole
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path, write_calibration_set
from harness.miniatures.questions import KINDS
from harness.miniatures.scenes import evaluation_samples
from harness.vlm.registry import get_spec, known_miniatures
from harness.vlm.spec import VlmSpec
from training.evaluation import ExactMatch, exact_match, total
from training.quantization import quantize_8da4w
from training.saving import load_model, load_tokenizer
from training.settings import TrainingSettings
from training.trainer import Progress as TrainingProgress
from training.trainer import Trainer

_LOG_EVERY_STEPS = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user error becomes one sentence and exit code 2."""
    options = _parser().parse_args(arguments)
    try:
        if options.command is _write_calibration:
            _write_calibration(options)
            return 0
        spec = get_spec(options.name)
        if not spec.is_miniature:
            raise UserError(f"{spec.name} is no miniature; give {_miniatures()}.")
        torch.set_num_threads(options.threads)
        options.command(spec, options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="train from scratch, or go on where --out stopped")
    train.add_argument("--out", type=Path, required=True, help="checkpoint and training state")
    train.add_argument("--start-from", type=Path, help="checkpoint to start from, not at random")
    for field in fields(TrainingSettings):
        option = f"--{field.name.replace('_', '-')}"
        train.add_argument(option, type=type(field.default), default=field.default)
    train.set_defaults(command=_train)
    evaluate = commands.add_parser("evaluate", help="exact match on unseen test scenes")
    evaluate.add_argument("--checkpoint", type=Path, help="default: the committed one")
    evaluate.add_argument("--scenes", type=int, default=500)
    evaluate.set_defaults(command=_evaluate)
    calibration = commands.add_parser("calibration", help="write the calibration set of both")
    calibration.add_argument("--out", type=Path, required=True, help="folder to write into")
    calibration.set_defaults(command=_write_calibration)
    for command in (train, evaluate):
        command.add_argument("name", help=_miniatures())
        command.add_argument("--threads", type=int, default=1, help="CPU threads to use")
    return parser


def _miniatures() -> str:
    return " or ".join(spec.name for spec in known_miniatures())


def _write_calibration(options: argparse.Namespace) -> None:
    PlainConsole().print(write_calibration_set(options.out))


def _train(spec: VlmSpec, options: argparse.Namespace) -> None:
    chosen = {field.name: getattr(options, field.name) for field in fields(TrainingSettings)}
    settings = TrainingSettings(**chosen)
    trainer = Trainer(spec, settings, options.out, options.start_from)
    console = PlainConsole()
    started = time.monotonic()
    with _progress(console, "loss {task.fields[loss]:.4f}") as bar:
        task = bar.add_task(spec.name, total=settings.steps, completed=trainer.step, loss=0.0)

        def watch(progress: TrainingProgress) -> None:
            bar.update(task, completed=progress.step, loss=progress.loss)
            if progress.step % _LOG_EVERY_STEPS == 0:
                console.print(
                    f"step {progress.step}  loss {progress.loss:.4f}  "
                    f"token accuracy {progress.token_accuracy:.4f}  "
                    f"{time.monotonic() - started:.0f} s",
                    highlight=False,
                )

        trainer.run(watch)
    trainer.export(options.out)
    console.print(f"{options.out}: {settings.steps} steps, {time.monotonic() - started:.0f} s")


def _evaluate(spec: VlmSpec, options: argparse.Namespace) -> None:
    folder = options.checkpoint or checkpoint_path(spec.name)
    tokenizer = load_tokenizer(folder)
    samples = evaluation_samples(options.scenes)
    columns: dict[str, tuple[ExactMatch, ...]] = {}
    with _progress(PlainConsole(stderr=True)) as bar:
        task = bar.add_task(spec.name, total=4 * len(samples))

        def watch(answered: int) -> None:
            bar.advance(task, answered)

        model = load_model(folder)
        for sight in ("right", "blank", "swapped"):
            columns[sight] = exact_match(model, spec, tokenizer, samples, sight, watch)
        quantize_8da4w(model, spec.family)
        columns["8da4w"] = exact_match(model, spec, tokenizer, samples, "right", watch)
    PlainConsole().print(_table(spec, columns))


def _progress(console: PlainConsole, *texts: str) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        *(TextColumn(text, markup=False) for text in texts),
        console=console,
    )


def _table(spec: VlmSpec, columns: dict[str, tuple[ExactMatch, ...]]) -> Table:
    titles = {
        "right": "fp32",
        "8da4w": "8da4w decoder",
        "blank": "fp32, blank image",
        "swapped": "fp32, swapped image",
    }
    table = Table(title=f"{spec.name}: exact match")
    for heading in ("kind", "scenes", *titles.values()):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    scored = {name: (*columns[name], total(columns[name])) for name in titles}
    for row, kind in enumerate((*KINDS, "total")):
        shares = [f"{scored[name][row].share:.3f}" for name in titles]
        table.add_row(kind, str(scored["right"][row].samples), *shares)
    return table

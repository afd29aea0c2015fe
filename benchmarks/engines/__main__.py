"""How fast other engines run the same weights here: ``python -m benchmarks.engines``.

Our runner on an artifact, ``transformers`` eager on its checkpoint, llama.cpp on its language model
as GGUF, ExecuTorch's own runner of language models on what ExecuTorch's own exporter makes of it.
All take turns, each in a process of its own. Ends with 1 where an engine that is installed did not
run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.engines.picture import write_picture
from benchmarks.engines.session import (
    FLOAT,
    Contest,
    ContestOutcome,
    check_same_weights,
    compare,
    engines_named,
    workload_of,
)
from benchmarks.engines.tables import (
    absent_table,
    limit_table,
    other_table,
    sample_file,
    speed_table,
    write_summary,
)
from benchmarks.engines.task import EngineWorkload
from harness.artifacts.artifact import Artifact, open_artifact
from harness.checkpoint_source import find_checkpoint, local_checkpoint, own_model
from harness.commands.export import export_with_progress
from harness.console import PlainConsole
from harness.errors import UserError
from harness.export.recipe import default_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.targets.registry import DEFAULT_TARGET, get_target
from harness.vlm.registry import get_spec_or_family

_ROOT = Path(__file__).parents[2]
_IMAGE = _ROOT / "fixtures" / "images" / "golden-1.png"
_COLUMNS = 140


def main(arguments: Sequence[str]) -> int:
    """Print two tables, write CSV and a picture; 2 for a user error."""
    options = _parser().parse_args(arguments)
    progress = PlainConsole(stderr=True)
    try:
        artifacts, checkpoint = _what_is_compared(options, progress)
        workload = workload_of(artifacts[0], _IMAGE, options.prompt_tokens, options.decode_steps)
        with _files(options.files) as files:
            asked = Contest(
                artifacts=artifacts,
                checkpoint=checkpoint,
                others=engines_named(options.engine),
                threads=options.threads or sorted({1, min(2, len(os.sched_getaffinity(0)))}),
                rounds=options.rounds,
                files=files,
            )
            outcome = _compare(asked, workload, options.out, progress)
        _tell(options, outcome)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if outcome.has_failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--model", required=True, help="as of python -m harness export")
    parser.add_argument("--checkpoint", help="folder or hub id; default: the model's own")
    parser.add_argument(
        "--pre-gen-pte",
        type=Path,
        action="append",
        metavar="DIR",
        help="artifact of this machine, several times; default: from the cache, or exported now",
    )
    parser.add_argument(
        "--precision",
        action="append",
        help="of artifacts, several times; default: text_decoder=8da4w",
    )
    parser.add_argument("--engine", action="append", help="beside ours, by name; default: all")
    parser.add_argument(
        "--threads", type=_positive, action="append", help="several times; default: 1 and 2"
    )
    parser.add_argument(
        "--rounds", type=_positive, default=5, help="bounds take 5; default: %(default)s"
    )
    parser.add_argument("--prompt-tokens", type=_positive, default=64, help="default: %(default)s")
    parser.add_argument("--decode-steps", type=_positive, default=128, help="default: %(default)s")
    parser.add_argument(
        "--files",
        type=Path,
        help="keeps the other engines' files of these weights; default: deleted in the end",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=_ROOT / "reports" / "out" / "engines",
        help="folder of engines.csv, samples.csv and engines.png; default: reports/out/engines",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1")
    return int(text)


def _what_is_compared(
    options: argparse.Namespace, progress: PlainConsole
) -> tuple[list[Artifact], Path | None]:
    """Artifacts, and the checkpoint that all are made from as far as it is there."""
    spec = get_spec_or_family(options.model)
    if options.pre_gen_pte:
        artifacts = [open_artifact(folder) for folder in options.pre_gen_pte]
        checkpoint = local_checkpoint(spec, options.checkpoint)
        for artifact in artifacts:
            _check(artifact, options.model, checkpoint)
        return artifacts, checkpoint
    checkpoint = find_checkpoint(spec, options.checkpoint)
    if spec.is_own:
        spec = own_model(spec, checkpoint, options.checkpoint)
    target = get_target(DEFAULT_TARGET)
    base = default_recipe(target)
    requests = [
        ExportRequest(spec, checkpoint, parse_precision(precision, base))
        for precision in options.precision or ["text_decoder=8da4w"]
    ]
    return [
        export_with_progress(request, default_artifacts(), progress).artifact
        for request in requests
    ], checkpoint


def _check(artifact: Artifact, model: str, checkpoint: Path | None) -> None:
    manifest = artifact.manifest
    target = get_target(manifest.target)
    if target.is_remote or not target.measures_speed:
        raise UserError(f"{artifact.directory} is for the {manifest.target}; give one of the host.")
    if manifest.model.partition(".")[0] != model.partition(".")[0]:
        raise UserError(f"{artifact.directory} is of {manifest.model}; give --model of it.")
    if checkpoint is not None:
        check_same_weights(artifact, checkpoint)


def _compare(
    asked: Contest, workload: EngineWorkload, out: Path, progress: PlainConsole
) -> ContestOutcome:
    out.mkdir(parents=True, exist_ok=True)
    with sample_file(out / "samples.csv") as keep:
        return compare(asked, workload, lambda line: progress.print(line, soft_wrap=True), keep)


@contextlib.contextmanager
def _files(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="snapgate-engines-") as folder:
        yield Path(folder)


def _tell(options: argparse.Namespace, outcome: ContestOutcome) -> None:
    load = f"load of the machine {os.getloadavg()[1]:.1f} of {os.cpu_count()} CPUs"
    what = f"{options.model}: {options.prompt_tokens} tokens in, {options.decode_steps} out"
    title = f"{what}, {options.rounds} rounds, {load}"
    console = PlainConsole(width=None if sys.stdout.isatty() else _COLUMNS)
    console.print(speed_table(title, outcome.rows))
    equal = f"medians; equal tokens: leading ones that are those of {FLOAT}"
    console.print(other_table(equal, outcome.rows))
    console.print(limit_table(outcome.rows, outcome.measured))
    if any(row.note is not None for row in outcome.rows):
        console.print(absent_table(outcome.rows))
    write_summary(outcome.rows, options.out / "engines.csv")
    write_picture(title, outcome.rows, options.out / "engines.png")
    console.print(f"{options.out}: engines.csv, samples.csv, engines.png", soft_wrap=True)


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))

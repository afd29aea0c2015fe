"""Dead models in sessions of the suites: ``python -m benchmarks.dead_models``.

A miniature is killed in many ways; each must end accuracy, speed and size red. Ends with 1 if one
of them, or the healthy miniature, does otherwise. Given the same ``--work`` again it goes on where
it was ended.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.table import Table

from benchmarks.dead_models.kinds import KINDS
from benchmarks.dead_models.sessions import SUITES, SessionEnd, SuiteEnd, run_session
from benchmarks.dead_models.weights import NotThereError, Weights
from harness.artifacts.artifact import Artifact
from harness.checkpoint_source import find_calibration, find_checkpoint
from harness.console import PlainConsole
from harness.errors import UserError
from harness.export.exporter import export_artifact
from harness.export.recipe import default_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.targets.registry import get_target
from harness.targets.target import TargetSpec
from harness.vlm.registry import get_spec, known_miniatures

_HEALTHY = "healthy"
_WHERE: Mapping[str, Sequence[str]] = {
    "host": ("host", "--target", "host"),
    "emulator": ("emulator", "--target", "emulator"),
    "virtual": ("host", "--target", "phone", "--serial", "virtual:SM8550:upstream"),
}
"""By place: the target that files are exported for, and options of a session."""

_LOG_COLUMNS = 160


def main() -> int:
    """Print a table; 1 if a dead model stays green or the healthy one does not."""
    options = _parser().parse_args()
    console = PlainConsole(width=None if sys.stdout.isatty() else _LOG_COLUMNS)
    try:
        with tempfile.TemporaryDirectory(prefix="snapgate-dead-models-") as name:
            work = options.work or Path(name)
            ends = _try_kinds(options, work, console)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    console.print(_table(f"{options.model}, {options.place}", ends))
    faults = [fault for kind, end in ends.items() for fault in faults_of(kind, end)]
    for fault in faults:
        console.print(fault)
    return 1 if faults else 0


def _try_kinds(
    options: argparse.Namespace, work: Path, console: PlainConsole
) -> dict[str, SessionEnd]:
    target, *where = _WHERE[options.place]
    make = partial(_export, options.model, get_target(target), options.precision)
    artifact = make(None, default_artifacts())
    where = [*where, "--mode", options.mode]
    ends = {}
    for kind in options.kind or (_HEALTHY, *KINDS):
        of = f"{options.model}-{options.place}-{options.mode}-{artifact.manifest.precision_label}"
        folder = work / of / kind
        known = folder / "end.json"
        if not known.exists():
            console.print(f"{kind} on {options.place}")
            try:
                killed = _killed(artifact, kind, folder, make)
                end = run_session(killed, where, folder)
            except NotThereError as error:
                console.print(f"{kind} is left out: {error}")
                continue
            except UserError as error:
                end = SessionEnd(exit_status=2, seconds=0, suites={}, refusal=str(error))
            folder.mkdir(parents=True, exist_ok=True)
            known.write_text(end.model_dump_json(indent=2))
        ends[kind] = SessionEnd.model_validate_json(known.read_text())
    return ends


def _export(
    model: str, target: TargetSpec, precision: str | None, checkpoint: Path | None, store: Path
) -> Artifact:
    spec = get_spec(model)
    recipe = default_recipe(target)
    request = ExportRequest(
        spec,
        checkpoint or find_checkpoint(spec, None),
        parse_precision(precision, recipe) if precision else recipe,
        mode="hybrid",
        target=target.name,
        calibration=find_calibration(spec, None) if target.backend.is_htp else None,
    )
    return export_artifact(request, store, lambda component, stage: None).artifact


def _killed(
    artifact: Artifact, kind: str, folder: Path, make: Callable[[Path, Path], Artifact]
) -> Path:
    """An artifact that is dead.

    Args:
        artifact: The healthy one.
        kind: Of death.
        folder: Of the case.
        make: Exports a checkpoint into a store.

    Raises:
        NotThereError: If the artifact has no such part.
        UserError: If the dead weights cannot be exported.
    """
    if kind == _HEALTHY:
        return artifact.directory
    path = folder / "artifact"
    if path.exists():
        return path
    spec = get_spec(artifact.manifest.model)
    weights = Weights(artifact, find_checkpoint(spec, None))
    KINDS[kind].kill(weights)
    if weights.are_in_files:
        return weights.save(path)
    checkpoint = weights.save_checkpoint(folder / "checkpoint")
    # Components that live on are found there by the next kind.
    return make(checkpoint, folder.parent / "artifacts").directory


def faults_of(kind: str, end: SessionEnd) -> list[str]:
    """What should be otherwise."""
    if kind == _HEALTHY:
        told = f"the healthy model ended with {end.exit_status}: {'; '.join(end.named)}"
        was_refused = not end.suites or any(suite.failed for suite in end.suites.values())
        return [told] if was_refused else []
    if not end.suites:
        return []
    ends = {suite: end.suites[suite] for suite in SUITES}
    green = [suite for suite, one in ends.items() if one.passed and not one.failed]
    return [f"{kind} stayed green in {suite}" for suite in green]


def _table(title: str, ends: Mapping[str, SessionEnd]) -> Table:
    table = Table(title=title)
    for heading in ("kind", "exit status", *SUITES, "s", "named"):
        table.add_column(heading)
    for kind, end in ends.items():
        counts = [_counts(end.suites[one]) if end.suites else "refused" for one in SUITES]
        seconds, sentences = f"{end.seconds:.0f}", "\n".join(end.named)
        table.add_row(kind, str(end.exit_status), *counts, seconds, sentences)
    return table


def _counts(end: SuiteEnd) -> str:
    return f"{end.failed} failed, {end.passed} passed"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dead_models", description=__doc__)
    miniatures = [spec.name for spec in known_miniatures()]
    parser.add_argument("--model", choices=miniatures, default="tiny_smolvlm")
    parser.add_argument("--place", choices=_WHERE, default=next(iter(_WHERE)))
    parser.add_argument("--mode", choices=("kv", "hybrid"), default="hybrid")
    parser.add_argument("--precision", help="default: the target's")
    parser.add_argument("--kind", action="append", choices=(_HEALTHY, *KINDS), help="default: all")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep artifacts and ends here")
    return parser


if __name__ == "__main__":
    run_program(main)

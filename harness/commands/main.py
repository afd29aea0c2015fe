"""Commands of ``python -m harness``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness.checkpoint_source import (
    find_calibration,
    find_checkpoint,
    memory_available_gib,
    memory_need_gib,
)
from harness.commands.doctor import add_doctor_command
from harness.commands.results import add_result_commands
from harness.errors import UserError
from harness.export.exporter import Export, export_artifact
from harness.export.recipe import default_recipe, load_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.export.request_check import check_request
from harness.export.worker.process import ExportFailed
from harness.targets.registry import DEFAULT_TARGET, get_target, target_names
from harness.vlm.mode import parse_lookahead
from harness.vlm.registry import get_spec_or_family
from harness.vocabulary import CALIBRATED, COMPONENTS, KV_ENCODINGS, MODES, Component


def default_artifacts() -> Path:
    """The artifact cache that is used when nobody names another."""
    return Path(platformdirs.user_cache_dir("snapgate")) / "artifacts"


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit code: 0, 1 for an export that died, 2 for a user error, 130 when interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was finished is in the cache", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness",
        description="Export vision-language models for the suites and look at what was measured.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    export = commands.add_parser(
        "export", help="export a model to three .pte files", description=_run_export.__doc__
    )
    export.set_defaults(run=_run_export)
    _add_export_options(export)
    add_doctor_command(commands, default_artifacts())
    add_result_commands(commands)
    return parser


def _add_export_options(export: argparse.ArgumentParser) -> None:
    export.add_argument("model", metavar="MODEL", help="model, or a family with --checkpoint")
    export.add_argument("--checkpoint", metavar="DIR|HUB_ID", help="weights; default: the model's")
    export.add_argument("--mode", default="hybrid", choices=MODES)
    export.add_argument("--target", default=DEFAULT_TARGET, choices=target_names())
    export.add_argument("--soc", help="SoC that a phone or emulator artifact is for")
    export.add_argument(
        "--precision",
        metavar="P",
        help="one for all or component=precision,...; host: fp32 "
        "(default) or 8da4w; HTP: 16a8w (default), 16a4w, 16a4w_block or fp16",
    )
    export.add_argument("--recipe", type=Path, metavar="FILE", help="TOML, a precision a component")
    export.add_argument(
        "--calibration", type=Path, metavar="FILE", help="JSON samples for quantized activations"
    )
    export.add_argument("--context", type=int, metavar="TOKENS", help="default: the model's")
    export.add_argument("--prefill-ar", type=int, metavar="TOKENS", help="default: the model's")
    export.add_argument(
        "--lookahead",
        metavar="W,N,G",
        help="window, n-gram, n-grams per step; default: the model's",
    )
    export.add_argument(
        "--qnn-dir", type=Path, metavar="DIR", help="QNN libraries (default: QNN_SDK_ROOT, wheel)"
    )
    export.add_argument("--kv-encodings", default="shared", choices=KV_ENCODINGS)
    export.add_argument("--artifacts", type=Path, default=default_artifacts(), metavar="DIR")


def _run_export(options: argparse.Namespace) -> int:
    """Export a model to three .pte files; components that the cache holds are reused."""
    request = _request(options)
    # Before a checkpoint is downloaded: a request that cannot be met is no reason to do that.
    check_request(request)
    request = replace(request, checkpoint=find_checkpoint(request.spec, options.checkpoint))
    console = Console(stderr=True)
    need, available = memory_need_gib(request.checkpoint), memory_available_gib()
    if need > 1 or need > available:
        console.print(
            f"This export needs about {need:.1f} GiB of memory; {available:.1f} GiB are available."
        )
    try:
        export = export_with_progress(request, options.artifacts, console)
    except ExportFailed as failure:
        print(f"error: {failure_sentence(failure, need, available)}", file=sys.stderr)
        return 1
    console.print(component_table(export))
    print(export.artifact.directory)
    return 0


def _request(options: argparse.Namespace) -> ExportRequest:
    """What the options ask for; its checkpoint is as named, not yet found."""
    spec = get_spec_or_family(options.model)
    base = default_recipe(get_target(options.target))
    base = load_recipe(options.recipe, base) if options.recipe else base
    recipe = parse_precision(options.precision, base)
    calibrated = any(recipe.precision(component) in CALIBRATED for component in COMPONENTS)
    return ExportRequest(
        spec=spec,
        checkpoint=Path(options.checkpoint or ""),
        recipe=recipe,
        mode=options.mode,
        target=options.target,
        soc=options.soc,
        context_length=options.context,
        prefill_ar=options.prefill_ar,
        lookahead=None if options.lookahead is None else parse_lookahead(options.lookahead),
        kv_encodings=options.kv_encodings,
        calibration=(
            find_calibration(spec, options.calibration) if calibrated else options.calibration
        ),
        qnn_dir=options.qnn_dir,
    )


def failure_sentence(failure: ExportFailed, need_gib: float, available_gib: float) -> str:
    """Why an export died and where to look.

    Args:
        failure: What happened.
        need_gib: Estimated peak memory of the export.
        available_gib: Memory that was available when it began.
    """
    if failure.exit_code == -signal.SIGKILL:
        return (
            f"the export of {failure.component} was killed, as the kernel does for lack of memory: "
            f"it needs about {need_gib:.1f} GiB and {available_gib:.1f} GiB were available; free "
            "memory or export on a larger machine."
        )
    return (
        f"the export of {failure.component} ended with exit code {failure.exit_code}; read the log "
        f"that was kept in {failure.log}"
    )


def export_with_progress(request: ExportRequest, root: Path, console: Console) -> Export:
    """Export while showing one line per component: its stage and the time it took."""
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[stage]}", style="dim"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks = {
            name: progress.add_task(name, total=1, stage="waiting", start=False)
            for name in COMPONENTS
        }

        def report(component: Component | None, stage: str) -> None:
            if component is None:
                return
            task = tasks[component]
            if not progress.tasks[task].started:
                progress.start_task(task)
            finished = stage in ("built", "reused")
            progress.update(task, stage=stage, completed=1 if finished else 0)

        return export_artifact(request, root, report)


def component_table(export: Export) -> Table:
    """What was exported: file, precision, size, seconds and peak memory of each component."""
    title = f"{export.artifact.manifest.model}, {export.artifact.manifest.mode}"
    # 80 columns are what a terminal has, and a pipe is taken for one.
    table = Table(title=title, show_edge=False, pad_edge=False)
    for heading in ("file", "precision"):
        table.add_column(heading, no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    for heading in ("export\ns", "peak\nRSS\nMiB"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("from", overflow="fold")
    for cached in export.components:
        file = cached.file
        table.add_row(
            file.file,
            file.precision,
            f"{file.pte_bytes:,}",
            f"{file.export_s:.1f}",
            f"{file.export_peak_rss_mib:,.0f}",
            "cache" if cached.reused else "built",
        )
    return table

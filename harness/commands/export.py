"""``python -m harness export``: a checkpoint to three ``.pte`` files."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness.artifacts.given_name import ARTIFACTS, check_name, give_name
from harness.backends.qnn.libraries import find_libraries
from harness.checkpoint.generation_settings import generation_notice
from harness.checkpoint_source import (
    find_calibration,
    find_checkpoint,
    own_model,
    unpinned_notice,
)
from harness.console import PlainConsole
from harness.display import for_programs
from harness.errors import Findings, check_installed
from harness.export.calibration_file import read_samples
from harness.export.exporter import Export, export_artifact
from harness.export.needs import WORTH_SAYING_GIB, ArtifactNeed, artifact_need, surprises
from harness.export.preflight import check_disk, described
from harness.export.recipe import default_recipe, load_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.export.request_check import check_request
from harness.export.worker.messages import EXPORTER_PACKAGES
from harness.export.worker.process import ExportFailed
from harness.heartbeat import Heartbeat, Step
from harness.machine_memory import memory_room
from harness.options.values import Values
from harness.program import cleaning_up_when_terminated
from harness.targets.registry import get_target
from harness.vlm.mode import parse_lookahead
from harness.vlm.registry import get_spec_or_family
from harness.vocabulary import COMPONENTS, Component


def run_export(options: Values) -> int:
    """Export a model to three .pte files; components that the cache holds are reused."""
    request = _request(options)
    # Before a checkpoint is downloaded: a request that cannot be met is no reason to do that.
    findings = Findings()
    findings.note(lambda: check_request(request))
    if (name := options["name"]) is not None:
        findings.note(lambda: check_name(name))
    if (samples := request.calibration) is not None:
        findings.note(lambda: read_samples(samples, needs_picture=request.recipe.fixes_ranges))
    findings.note(lambda: check_installed(EXPORTER_PACKAGES, "Exporting"))
    if request.made_for.backend.is_htp:
        findings.note(lambda: find_libraries(request.qnn_dir))
    findings.tell()
    checkpoint = find_checkpoint(request.spec, options["checkpoint"])
    spec = request.spec
    if spec.is_own:
        spec = own_model(spec, checkpoint, options["checkpoint"])
    console = PlainConsole(stderr=True)
    if notice := unpinned_notice(request.spec, options["checkpoint"], checkpoint):
        console.print(notice, soft_wrap=True)
    request = replace(request, spec=spec, checkpoint=checkpoint)
    need = _preflight(request, options["artifacts"], console)
    try:
        with cleaning_up_when_terminated():
            export = export_with_progress(request, options["artifacts"], console)
    except ExportFailed as failure:
        print(f"error: {failure.sentence}", file=sys.stderr)
        return 1
    console.print(component_table(export))
    built = [cached.file for cached in export.components if not cached.reused]
    for surprise in surprises(need, built):
        folder = shlex.quote(str(export.artifact.directory))
        keep = f"python -m benchmarks.export_needs {folder} --write"
        console.print(
            f"{surprise}; to add it to the clone's table of what exports take: {keep}",
            soft_wrap=True,
        )
    if notice := generation_notice(export.artifact.directory):
        console.print(f"{export.artifact.manifest.model}: {notice}.", soft_wrap=True)
    if name is not None:
        before = give_name(export.artifact.directory, name)
        console.print(f"Named {name}{f', which {before} was until now' if before else ''}.")
    print(export.artifact.directory, file=for_programs(sys.stdout))
    return 0


def _preflight(request: ExportRequest, artifacts: Path, console: PlainConsole) -> ArtifactNeed:
    """Say what the export will take, where that is worth a thought, and refuse a full disk."""
    from harness.checkpoint.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(request.checkpoint, request.spec)
    need, room = artifact_need(request, checkpoint), memory_room()
    if need.peak_gib > WORTH_SAYING_GIB or need.peak_gib * 2**30 > room.available_bytes:
        console.print(described(need, room), soft_wrap=True)
    if not any((artifacts / ARTIFACTS).glob(f"{request.spec.name}-*")):
        check_disk([request], checkpoint, artifacts)
    return need


def _request(options: Values) -> ExportRequest:
    """What the options ask for; its checkpoint is as named, not yet found."""
    spec = get_spec_or_family(options["exported_model"])
    base = default_recipe(get_target(options["target"]))
    base = load_recipe(options["recipe"], base) if options["recipe"] else base
    recipe = parse_precision(options["precision"], base)
    options = options.unless_typed(*_without_meaning(options, recipe.takes_samples))
    return ExportRequest(
        spec=spec,
        checkpoint=Path(options["checkpoint"] or ""),
        recipe=recipe,
        mode=options["file_mode"],
        target=options["target"],
        soc=options["soc"],
        context_length=options["context"],
        prefill_ar=options["prefill_ar"],
        lookahead=options["lookahead"] and parse_lookahead(options["lookahead"]),
        kv_encodings=options["kv_encodings"],
        calibration=(
            find_calibration(spec, options["calibration"])
            if recipe.takes_samples
            else options["calibration"]
        ),
        qnn_dir=options["qnn_dir"],
    )


def _without_meaning(options: Values, takes_samples: bool) -> set[str]:
    """What a laboratory's file may set for other exports than this one."""
    unused = set() if get_target(options["target"]).backend.is_htp else {"soc", "qnn_dir"}
    unused |= {"prefill_ar"} if options["file_mode"] == "kv" else set()
    unused |= {"lookahead"} if options["file_mode"] != "lookahead" else set()
    return unused | (set() if takes_samples else {"calibration"})


def export_with_progress(request: ExportRequest, root: Path, console: PlainConsole) -> Export:
    """Export while showing what is done and for how long: live, or in lines where nobody looks."""
    if console.is_terminal:
        return _export_live(request, root, console)
    step = Step()
    stages: dict[Component, str] = {}

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)

    def report(component: Component | None, stage: str) -> None:
        if component is None:
            step.begin(f"artifact: {stage}")
            return
        stages[component] = stage
        if stage in ("built", "reused"):
            say(f"{component}: {stages.pop(component)}")
        step.begin("; ".join(f"{name}: {now}" for name, now in stages.items()) or "artifact")

    with Heartbeat(step.described, say):
        return export_artifact(request, root, report)


def _export_live(request: ExportRequest, root: Path, console: PlainConsole) -> Export:
    """Export while showing one line per component: its stage and the time it took."""
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[stage]}", style="dim", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks = {
            name: progress.add_task(name, total=1, stage="waiting", start=False)
            for name in COMPONENTS
        }

        def report(component: Component | None, stage: str) -> None:
            if component is None:
                progress.console.print(f"{request.spec.name}: {stage}", soft_wrap=True)
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

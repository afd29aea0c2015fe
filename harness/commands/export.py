"""``python -m harness export``: a checkpoint to three ``.pte`` files."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness.artifacts.given_name import ARTIFACTS, check_name, give_name
from harness.checkpoint.generation_settings import generation_notice
from harness.commands.export_request import ready_request
from harness.console import PlainConsole
from harness.display import for_programs
from harness.errors import Findings
from harness.export.exporter import Export, export_artifact
from harness.export.needs import WORTH_SAYING_GIB, ArtifactNeed, artifact_need, surprises
from harness.export.preflight import check_disk, described
from harness.export.request import ExportRequest
from harness.export.worker.process import ExportFailed
from harness.heartbeat import Heartbeat, Step
from harness.machine_memory import memory_room
from harness.options.values import Values
from harness.program import cleaning_up_when_terminated
from harness.vocabulary import COMPONENTS, Component


def run_export(options: Values) -> int:
    """Export a model to three .pte files; components that the cache holds are reused."""
    findings = Findings()
    if (name := options["name"]) is not None:
        findings.note(lambda: check_name(name))
    console = PlainConsole(stderr=True)
    request = ready_request(options, console, findings)
    need = preflight(request, options["artifacts"], console)
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


def preflight(request: ExportRequest, artifacts: Path, console: PlainConsole) -> ArtifactNeed:
    """Say what the export will take, where that is worth a thought, and refuse a full disk."""
    from harness.checkpoint.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(request.checkpoint, request.spec)
    need, room = artifact_need(request, checkpoint), memory_room()
    if need.peak_gib > WORTH_SAYING_GIB or need.peak_gib * 2**30 > room.available_bytes:
        console.print(described(need, room), soft_wrap=True)
    if not any((artifacts / ARTIFACTS).glob(f"{request.spec.name}-*")):
        check_disk([request], checkpoint, artifacts)
    return need


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

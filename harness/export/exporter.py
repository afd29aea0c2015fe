"""Checkpoint and recipe to a cached artifact. Imports without torch until it must build."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.artifacts.artifact import Artifact, sha256_of
from harness.artifacts.given_name import ARTIFACTS
from harness.artifacts.manifest import ComponentFile, Manifest
from harness.backends.qnn.libraries import LICENCE_NOTE
from harness.backends.qnn.probe import probe_qnn
from harness.backends.qnn.provider import QnnInfo
from harness.errors import UserError, check_installed, listed
from harness.export.assembly import artifact_key, assemble
from harness.export.cache import CachedComponent, ComponentCache
from harness.export.calibration_file import (
    CalibrationSet,
    calibration_sha256,
    load_calibration,
    naming_sample,
    read_samples,
)
from harness.export.component_key import component_config, package_versions
from harness.export.inputs.build_config import BuildConfig
from harness.export.inputs.conversation import check_length
from harness.export.needs import artifact_need
from harness.export.request import ExportRequest
from harness.export.request_check import check_image_fits, check_request, within_positions
from harness.export.side_by_side import ExportProcesses, at_once, build_side_by_side
from harness.export.weights_check import check_weights
from harness.export.worker.messages import EXPORTER_PACKAGES, ReportStage, Task
from harness.export.worker.process import run_worker
from harness.full_disk import check_room
from harness.machine_memory import memory_room
from harness.vocabulary import CALIBRATED, COMPONENTS, Component

if TYPE_CHECKING:
    from harness.checkpoint.checkpoint import Checkpoint


ReportProgress = Callable[[Component | None, str], None]
"""Told which component is at which stage; None for what concerns the whole artifact."""


@dataclass(frozen=True)
class Export:
    """An artifact and how each of its components came about, in the order of ``COMPONENTS``."""

    artifact: Artifact
    components: tuple[CachedComponent, ...]


class NotExported(UserError):
    """The cache lacks a component, and nobody asked for an export."""


@dataclass(frozen=True)
class _Inputs:
    """What an export starts from, opened and hashed."""

    request: ExportRequest
    checkpoint: Checkpoint
    calibration: CalibrationSet | None
    qnn: QnnInfo | None
    weights_sha256: dict[Component, str]

    def config(self, component: Component) -> BuildConfig:
        """What one component's bytes depend on."""
        return component_config(
            self.request,
            self.checkpoint.spec,
            component,
            image_token_id=self.checkpoint.image_token_id,
            weights_sha256=self.weights_sha256[component],
            calibration_sha256=self._calibration_sha256(component),
            qnn_build=self.qnn.build_id if self.qnn else None,
        )

    def _calibration_sha256(self, component: Component) -> str | None:
        if self.calibration is None:
            return None
        tokenizer = self.checkpoint.directory / "tokenizer.json"
        return calibration_sha256(
            self.calibration,
            component,
            self.checkpoint.spec,
            tokenizer,
            self.weights_sha256.values(),
        )


def export_artifact(
    request: ExportRequest, root: Path, report: ReportProgress, *, builds: bool = True
) -> Export:
    """Return the artifact, building the components that the cache lacks.

    Args:
        request: What is wanted.
        root: The artifact cache.
        report: Shown to whoever waits.
        builds: Whether to build at all.

    Raises:
        UserError: If the request cannot be built or the checkpoint does not fit.
        NotExported: If something would have to be built and must not be.
        ExportFailed: If an exporting process died.
    """
    inputs = _open(request, report)
    processes = ExportProcesses()
    need = artifact_need(inputs.request, inputs.checkpoint)
    # The longest first, so that nothing is left to wait for alone; what is only looked for, in
    # order.
    duration_s = {one.component: one.export_s for one in need.components}
    order = sorted(COMPONENTS, key=lambda one: -duration_s[one]) if builds else COMPONENTS
    found = build_side_by_side(
        {
            component: partial(_get_or_build, inputs, component, root, processes, builds)
            for component in order
        },
        report,
        processes,
        at_once(need, memory_room()) if builds else 1,
    )
    components = [found[component] for component in COMPONENTS]
    statement_files = inputs.checkpoint.statement_files
    manifest = _manifest(inputs, components, statement_files)
    artifact = assemble(root / ARTIFACTS, manifest, components, statement_files)
    return Export(artifact, tuple(components))


def export_component(
    request: ExportRequest, component: Component, root: Path, report: ReportProgress
) -> CachedComponent:
    """Return one component as ``export_artifact`` would, without the others.

    Args:
        request: As for the whole artifact.
        component: Which of its files.
        root: The artifact cache.
        report: Shown to whoever waits.

    Raises:
        UserError: As ``export_artifact``; likewise ``ExportFailed``.
    """
    inputs, processes = _open(request, report), ExportProcesses()

    def tell(stage: str) -> None:
        report(component, stage)

    return _get_or_build(inputs, component, root, processes, True, tell)


def export_tasks(
    request: ExportRequest, folder: Path, report: ReportProgress
) -> dict[Component, Task]:
    """What is done to export each component, for whoever looks at what happens on the way.

    Args:
        request: As for the whole artifact.
        folder: Where files would be written.
        report: Shown to whoever waits.

    Raises:
        UserError: As ``export_artifact``.
    """
    inputs = _open(request, report)
    return {component: _task(inputs, inputs.config(component), folder) for component in COMPONENTS}


def _get_or_build(
    inputs: _Inputs,
    component: Component,
    root: Path,
    processes: ExportProcesses,
    builds: bool,
    report: ReportStage,
) -> CachedComponent:
    report("checking the cache")
    cache, config = ComponentCache(root), inputs.config(component)

    def build(folder: Path) -> ComponentFile:
        if not builds:
            raise NotExported(f"{root} holds no such {component} ({config.folder_name})")
        check_weights(inputs.checkpoint.components[component])

        def begin(stage: str) -> None:
            # Before it takes minutes, not behind it.
            check_room(folder)
            report(stage)

        return run_worker(_task(inputs, config, folder), cache.logs, begin, processes)

    cached = cache.get_or_build(config, build, report, processes.check)
    report("reused" if cached.reused else "built")
    return cached


def _open(request: ExportRequest, report: ReportProgress) -> _Inputs:
    check_request(request)
    check_installed(EXPORTER_PACKAGES, "Exporting")
    from harness.checkpoint.checkpoint import open_checkpoint

    qnn = probe_qnn(request.qnn_dir) if request.made_for.backend.is_htp else None
    checkpoint = open_checkpoint(request.checkpoint, request.spec)
    request = within_positions(request, checkpoint.spec.max_positions)
    check_request(request)
    check_image_fits(request.resolved_context_length, checkpoint.spec.vision.tokens_per_image)
    calibration = (
        _calibration(request.calibration, request, checkpoint) if request.calibration else None
    )
    ignored = checkpoint.weight_files.ignored
    if ignored:
        report(None, f"ignores {listed(ignored)}, which transformers would not read either")
    hashes = {component: checkpoint.component_sha256(component) for component in COMPONENTS}
    return _Inputs(request, checkpoint, calibration, qnn, hashes)


def _calibration(path: Path, request: ExportRequest, checkpoint: Checkpoint) -> CalibrationSet:
    """The samples, downloaded only once all of them are known to fit the decoder."""
    needs_picture = request.recipe.fixes_ranges
    if request.recipe.text_decoder in CALIBRATED or request.recipe.weighs_weights:
        tokenizer = checkpoint.directory / "tokenizer.json"
        context_length = request.resolved_context_length
        for number, sample in enumerate(read_samples(path, needs_picture=needs_picture), start=1):
            with naming_sample(number, path):
                check_length(sample, checkpoint.spec, tokenizer, context_length)
    return load_calibration(path, needs_picture=needs_picture)


def _task(inputs: _Inputs, config: BuildConfig, folder: Path) -> Task:
    request, calibration = inputs.request, inputs.calibration
    samples = calibration.samples if calibration and config.calibration_sha256 else ()
    return Task(
        checkpoint=request.checkpoint.absolute(),
        calibration=samples,
        qnn_dir=request.qnn_dir and request.qnn_dir.absolute(),
        config=config,
        output=(folder / config.file_name).absolute(),
    )


def _versions(qnn: QnnInfo | None) -> dict[str, str]:
    """What made an artifact; of QNN also where it came from, under whose licence."""
    if qnn is None:
        return package_versions(calibrated=True)
    origin = {"qnn_source": qnn.source, "qnn_licence": LICENCE_NOTE}
    return package_versions(qnn.build_id, calibrated=True) | origin


def _manifest(
    inputs: _Inputs, components: Sequence[CachedComponent], statement_files: Sequence[Path]
) -> Manifest:
    request, spec = inputs.request, inputs.checkpoint.spec
    hashes = {file.name: sha256_of(file) for file in statement_files}
    soc = request.resolved_soc
    return Manifest(
        model=spec.name,
        family=spec.family.name,
        key=artifact_key(spec.name, components, hashes),
        target=request.target,
        backend=request.made_for.backend.name,
        soc=soc.name if soc else None,
        mode=request.mode,
        context_length=request.resolved_context_length,
        prefill_ar=request.resolved_prefill_ar,
        lookahead=request.resolved_lookahead,
        image_size_px=spec.vision.image_size_px,
        tokens_per_image=spec.vision.tokens_per_image,
        kv_encodings=request.kv_encodings,
        htp=request.recipe.htp if soc else None,
        weights=request.recipe.weights if request.recipe.four_bit_weights else None,
        decoder=request.recipe.resolved.decoder if request.recipe.quantizes_decoder else None,
        components=tuple(component.file for component in components),
        tokenizer_files=hashes,
        versions=_versions(inputs.qnn),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )

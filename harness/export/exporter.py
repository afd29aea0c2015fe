"""Checkpoint and recipe to a cached artifact. Imports without torch until it must build."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import harness
from harness.artifacts.artifact import Artifact
from harness.artifacts.integrity import sha256_of
from harness.artifacts.manifest import (
    COMPONENTS,
    Component,
    ComponentFile,
    Manifest,
    Target,
)
from harness.errors import UserError
from harness.export.assembly import artifact_key, assemble
from harness.export.cache import CachedComponent, ComponentCache
from harness.export.calibration import CALIBRATED, load_calibration
from harness.export.order import ComponentOrder, KvEncodings, component_order, package_versions
from harness.export.recipe import Recipe, check_built
from harness.export.worker import Outcome, Stage, Task
from harness.extras import require_packages
from harness.vlm.mode import LookaheadShape, Mode
from harness.vlm.spec import VlmSpec

EXPORTER_PACKAGES = ("torch", "executorch", "torchao", "transformers", "safetensors")
"""What the extra ``host`` installs and an export cannot do without."""

ReportProgress = Callable[[Component | None, str], None]
"""Told which component is at which stage; None for what concerns the whole artifact."""


@dataclass(frozen=True)
class ExportRequest:
    """One artifact that somebody wants."""

    spec: VlmSpec
    checkpoint: Path
    recipe: Recipe
    mode: Mode = "hybrid"
    target: Target = "host"
    context_length: int | None = None
    prefill_ar: int | None = None
    lookahead: LookaheadShape | None = None
    kv_encodings: KvEncodings = "shared"
    calibration: Path | None = None

    @property
    def resolved_context_length(self) -> int:
        """Context in tokens: what was asked for, else the model's."""
        asked = self.context_length
        return self.spec.context_length if asked is None else asked

    @property
    def resolved_prefill_ar(self) -> int:
        """Tokens per prefill call: 1 in kv mode, else what was asked for or the model's."""
        if self.mode == "kv":
            return 1
        return self.spec.prefill_ar if self.prefill_ar is None else self.prefill_ar

    @property
    def resolved_lookahead(self) -> LookaheadShape | None:
        """Branch of lookahead mode: what was asked for or the model's; None in other modes."""
        if self.mode != "lookahead":
            return None
        return self.lookahead or self.spec.lookahead


@dataclass(frozen=True)
class Export:
    """An artifact and how each of its components came about, in the order of ``COMPONENTS``."""

    artifact: Artifact
    components: tuple[CachedComponent, ...]


def export_artifact(request: ExportRequest, root: Path, report: ReportProgress) -> Export:
    """Return the artifact, building the components that the cache lacks.

    Args:
        request: What is wanted.
        root: The artifact cache.
        report: Shown to whoever waits.

    Raises:
        UserError: If the request cannot be built or the checkpoint does not fit.
    """
    _check(request)
    _require_exporter()
    from harness.export.checkpoint import open_checkpoint

    calibration = load_calibration(request.calibration) if request.calibration else None
    checkpoint = open_checkpoint(request.checkpoint, request.spec)
    tokens_per_image = checkpoint.spec.vision.tokens_per_image
    _check_image_fits(request.resolved_context_length, tokens_per_image)
    cache = ComponentCache(root)
    components = []
    for component in COMPONENTS:
        report(component, "checking the cache")
        order = component_order(
            checkpoint.spec,
            component,
            request.recipe.precision(component),
            target=request.target,
            mode=request.mode,
            context_length=request.resolved_context_length,
            prefill_ar=request.resolved_prefill_ar,
            lookahead=request.resolved_lookahead,
            kv_encodings=request.kv_encodings,
            image_token_id=checkpoint.image_token_id,
            weights_sha256=checkpoint.component_sha256(component),
            calibration_sha256=calibration.sha256 if calibration else None,
        )
        cached = cache.get_or_build(
            order,
            lambda folder, order=order: _run_worker(  # type: ignore[misc]
                request, order, folder, cache.logs, report
            ),
            lambda sentence, component=component: report(component, sentence),  # type: ignore[misc]
        )
        report(component, "reused" if cached.reused else "built")
        components.append(cached)
    tokenizer_files = checkpoint.tokenizer_files()
    manifest = _manifest(request, checkpoint.spec, components, tokenizer_files)
    artifact = assemble(root / "artifacts", manifest, components, tokenizer_files)
    return Export(artifact, tuple(components))


class ExportFailed(RuntimeError):
    """The exporting process died: for lack of memory, or a defect of ours or of a library.

    Attributes:
        component: What it was exporting.
        exit_code: Of the process; negative for the signal that ended it.
        log: What it printed, kept beside the cache's components.
    """

    def __init__(self, component: Component, exit_code: int, log: Path) -> None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        super().__init__(
            f"export of {component} ended with exit code {exit_code}; log: {log}\n{tail}"
        )
        self.component = component
        self.exit_code = exit_code
        self.log = log


def _require_exporter() -> None:
    """A phone host has no torch; say so before an import fails."""
    require_packages(EXPORTER_PACKAGES, "Exporting")


def check_lengths(mode: Mode, context_length: int | None, prefill_ar: int | None) -> None:
    """Refuse token counts that no model can be exported with; None stands for the model's own.

    Raises:
        UserError: If a count is below 1, or belongs to another mode.
    """
    for flag, tokens in (("--context", context_length), ("--prefill-ar", prefill_ar)):
        if tokens is not None and tokens < 1:
            raise UserError(f"{flag} {tokens} is no number of tokens; give 1 or more.")
    if mode == "kv" and prefill_ar is not None:
        raise UserError(
            f"--prefill-ar {prefill_ar} goes with --mode hybrid; kv mode prefills one token at a "
            "time, so leave it out."
        )


def check_lookahead(mode: Mode, lookahead: LookaheadShape | None) -> None:
    """Refuse a lookahead branch in a mode that has none; None stands for the model's own.

    Raises:
        UserError: If one is given outside lookahead mode.
    """
    if mode != "lookahead" and lookahead is not None:
        raise UserError(
            f"--lookahead {lookahead} goes with --mode lookahead, not {mode}; leave it out."
        )


def _check(request: ExportRequest) -> None:
    check_built(request.recipe, request.target)
    if request.kv_encodings == "requantized":
        raise UserError(
            "KV encodings 'requantized' need a quantized cache, which the host's float32 one is "
            "not; use --kv-encodings shared."
        )
    precisions = {request.recipe.precision(component) for component in COMPONENTS}
    if request.calibration is not None and not precisions & CALIBRATED:
        raise UserError(
            f"No component is calibrated ({', '.join(sorted(precisions))} fix no activation "
            "ranges); leave --calibration out."
        )
    check_lengths(request.mode, request.context_length, request.prefill_ar)
    check_lookahead(request.mode, request.lookahead)
    context, prefill_ar = request.resolved_context_length, request.resolved_prefill_ar
    lookahead = request.resolved_lookahead
    if lookahead is not None and lookahead.ar >= context:
        raise UserError(
            f"--lookahead {lookahead} makes {lookahead.ar} tokens per call, which must be below "
            f"the context of {context} tokens; give a smaller branch or a larger --context."
        )
    if request.mode != "kv" and not 1 < prefill_ar < context:
        raise UserError(
            f"--prefill-ar {prefill_ar} must be above 1 and below the context of {context} tokens."
        )


def _check_image_fits(context_length: int, tokens_per_image: int) -> None:
    if context_length <= tokens_per_image:
        raise UserError(
            f"--context {context_length} cannot hold one image of {tokens_per_image} tokens; give "
            "a larger --context."
        )


def _run_worker(
    request: ExportRequest,
    order: ComponentOrder,
    folder: Path,
    logs: Path,
    report: ReportProgress,
) -> ComponentFile:
    output = folder / order.file_name
    task = Task(
        checkpoint=request.checkpoint.absolute(),
        calibration=request.calibration and request.calibration.absolute(),
        order=order,
        output=output.absolute(),
    )
    log_path = folder / "export.log"
    package_root = str(Path(harness.__file__).parents[1])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "harness.export.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": search_path},
        ) as worker,
    ):
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(task.model_dump_json() + "\n")
        worker.stdin.flush()
        try:
            outcome = _follow(worker.stdout, order.component, report)
        except BaseException:
            worker.kill()
            worker.wait()
            raise
        worker.stdin.close()
    if outcome is not None and outcome.user_error:
        raise UserError(outcome.user_error)
    if outcome is None or worker.returncode != 0:
        kept_log = Path(shutil.copyfile(log_path, logs / f"{order.folder_name}.log"))
        raise ExportFailed(order.component, worker.returncode, kept_log)
    return ComponentFile(
        component=order.component,
        precision=order.precision,
        key=order.key,
        file=order.file_name,
        sha256=sha256_of(output),
        weights_sha256=order.weights_sha256,
        pte_bytes=output.stat().st_size,
        export_s=round(outcome.export_s, 3),
        export_peak_rss_mib=round(outcome.peak_rss_mib, 1),
    )


def _follow(lines: Iterable[str], component: Component, report: ReportProgress) -> Outcome | None:
    """Pass the worker's stages on until it ends; None if it ended without an outcome."""
    outcome = None
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            # Libraries print to standard output too; that is no message of ours.
            continue
        if isinstance(message, dict) and "stage" in message:
            report(component, Stage.model_validate(message).stage)
        elif isinstance(message, dict) and "export_s" in message:
            outcome = Outcome.model_validate(message)
    return outcome


def _manifest(
    request: ExportRequest,
    spec: VlmSpec,
    components: Sequence[CachedComponent],
    tokenizer_files: Sequence[Path],
) -> Manifest:
    hashes = {file.name: sha256_of(file) for file in tokenizer_files}
    return Manifest(
        model=spec.name,
        family=spec.family.name,
        key=artifact_key(spec.name, components, hashes),
        target=request.target,
        backend="xnnpack",
        soc=None,
        mode=request.mode,
        context_length=request.resolved_context_length,
        prefill_ar=request.resolved_prefill_ar,
        lookahead=request.resolved_lookahead,
        image_size_px=spec.vision.image_size_px,
        tokens_per_image=spec.vision.tokens_per_image,
        kv_encodings=request.kv_encodings,
        components=tuple(component.file for component in components),
        tokenizer_files=hashes,
        versions=package_versions(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )

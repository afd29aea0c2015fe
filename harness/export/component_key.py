"""What is asked for, resolved to what each component depends on. Imports without torch."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib import metadata

from harness.backends.qnn.recipe import HtpRecipe
from harness.export.exporter_sources import exporter_sha256
from harness.export.inputs.build_config import BuildConfig
from harness.export.request import ExportRequest
from harness.vlm.spec import VlmSpec
from harness.vocabulary import CALIBRATED, CPU_TABLES, Component, Precision


def component_config(
    request: ExportRequest,
    spec: VlmSpec,
    component: Component,
    *,
    image_token_id: int,
    weights_sha256: str,
    calibration_sha256: str | None,
    qnn_build: str | None = None,
) -> BuildConfig:
    """Resolve what one component's bytes depend on; see ``BuildConfig`` for what is not told here.

    Args:
        request: The artifact that somebody wants.
        spec: Its model, with the geometry of the checkpoint.
        component: Which of its files.
        image_token_id: Of the checkpoint.
        weights_sha256: Of this component.
        calibration_sha256: Of this component, None without samples.
        qnn_build: Build of the QNN compiler, None where it takes no part.
    """
    precision = request.recipe.precision(component)
    is_decoder = component == "text_decoder"
    is_encoder = component == "vision_encoder"
    on_htp = precision not in CPU_TABLES
    soc = request.resolved_soc
    return BuildConfig(
        model=spec.name,
        family=spec.family.name,
        component=component,
        precision=precision,
        backend=request.made_for.backend.name,
        target=request.target if on_htp else None,
        shares_memory=on_htp and request.made_for.shares_memory,
        soc=soc.name if soc and on_htp else None,
        mode=None if is_encoder else request.mode,
        context_length=request.resolved_context_length if is_decoder else None,
        prefill_ar=None if is_encoder or request.mode == "kv" else request.resolved_prefill_ar,
        lookahead=None if is_encoder else request.resolved_lookahead,
        kv_encodings=request.kv_encodings if is_decoder else None,
        htp=_relevant(request.recipe.htp, component, precision) if soc else None,
        geometry={
            "text": asdict(spec.text),
            **({"vision": asdict(spec.vision)} if is_encoder else {}),
        },
        image_token_id=image_token_id if is_decoder else None,
        weights_sha256=weights_sha256,
        calibration_sha256=calibration_sha256 if precision in CALIBRATED else None,
        versions=package_versions(
            qnn_build if on_htp else None, calibrated=precision in CALIBRATED
        ),
        exporter_sha256=exporter_sha256(spec.family),
    )


def _relevant(htp: HtpRecipe, component: Component, precision: Precision) -> HtpRecipe | None:
    """What of the HTP details reaches a component: a change elsewhere builds nothing anew."""
    if precision not in CALIBRATED:
        return None
    defaults = HtpRecipe()
    overrides = htp.overrides_of(component)
    blocks = "16a4w_block" in (precision, *(one.scheme for one in overrides))
    is_decoder = component == "text_decoder"
    return HtpRecipe(
        kv_bits=htp.kv_bits if is_decoder else defaults.kv_bits,
        block_size=htp.block_size if blocks else defaults.block_size,
        decode_kv_headroom=htp.decode_kv_headroom if is_decoder else defaults.decode_kv_headroom,
        overrides=overrides,
    )


def package_versions(qnn_build: str | None = None, *, calibrated: bool = False) -> dict[str, str]:
    """Versions of what turns weights into bytes.

    Args:
        qnn_build: Build of the QNN compiler, where one takes part.
        calibrated: Whether samples take part, whose pictures are resized and texts split.
    """
    packages = ["torch", "executorch", "torchao", "transformers"]
    packages += ["pillow", "tokenizers"] if calibrated else []
    versions = {name: metadata.version(name) for name in packages}
    versions["machine"] = platform.machine()
    return versions if qnn_build is None else {**versions, "qnn": qnn_build}

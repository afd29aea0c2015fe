"""What is asked for, resolved to what each component depends on, the exporter's sources included.

Imports without torch.
"""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import harness
from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.export.inputs.build_config import BuildConfig
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.vlm.family_parts import package_folders
from harness.vlm.spec import VlmFamily, VlmSpec
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
    has_samples = precision in CALIBRATED or (is_decoder and request.recipe.weighs_weights)
    soc = request.resolved_soc
    return BuildConfig(
        # What somebody calls a checkpoint changes none of its bytes.
        model=spec.family.name if spec.is_own else spec.name,
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
        weights=_weight_details(request.recipe, component),
        rotates_hidden=request.recipe.rotates_hidden if is_decoder else None,
        weights_sha256=weights_sha256,
        calibration_sha256=calibration_sha256 if has_samples else None,
        versions=package_versions(qnn_build if on_htp else None, calibrated=has_samples),
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
        rotate_keys=htp.rotate_keys and is_decoder,
        block_size=htp.block_size if blocks else defaults.block_size,
        decode_kv_headroom=htp.decode_kv_headroom if is_decoder else defaults.decode_kv_headroom,
        overrides=overrides,
    )


def _weight_details(recipe: Recipe, component: Component) -> WeightRecipe | None:
    """What of the details of 4-bit weights reaches a component."""
    if component not in recipe.four_bit_weights:
        return None
    # An encoder makes no logits, and nothing is learned of it.
    is_decoder = component == "text_decoder"
    return recipe.weights if is_decoder else WeightRecipe(scales=recipe.weights.scales)


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


SOURCE_FOLDERS = (
    "backends",
    "checkpoint",
    "export/families",
    "export/graphs",
    "export/htp",
    "export/inputs",
    "export/weights",
    "export/worker",
    "targets",
    "vlm",
)
"""Folders below ``harness`` whose sources turn weights into bytes or say what these cost: a module
that does lies in one of them. What lies beside them in ``export`` only organizes."""

_SUFFIXES = {".py", ".c"}


def exporter_sha256(family: VlmFamily) -> str:
    """Hash the sources that take part in exporting a family, each read once per process.

    They are ours and, of a family from outside, the whole package that its encoder is in.

    A comment that changes rebuilds everything: a stale file, which is judged as if today's code
    had made it, is worse than a rebuild, and a version raised by hand is forgotten.

    Raises:
        UserError: If the family has no encoder.
    """
    ours = Path(harness.__file__).resolve().parent
    folders = (folder.resolve() for folder in package_folders(family, "encoder"))
    packages = [folder for folder in folders if folder != ours]
    return _sha256_of(ours, tuple(packages))


@functools.cache
def _sha256_of(ours: Path, packages: tuple[Path, ...]) -> str:
    hashes = [hash_sources(ours), *(hash_sources(root, (".",)) for root in packages)]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def hash_sources(root: Path, folders: Sequence[str] = SOURCE_FOLDERS) -> str:
    """Hash names and contents of all sources in some folders of a package."""
    files = {path for folder in folders for path in (root / folder).rglob("*")}
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in _SUFFIXES):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()

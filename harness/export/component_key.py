"""All that can change a component's bytes, and the key made from it. Imports without torch."""

from __future__ import annotations

import functools
import hashlib
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.backends.qnn.recipe import HtpRecipe
from harness.export.calibration import CALIBRATED
from harness.vlm.mode import LookaheadShape
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Backend, Component, KvEncodings, Mode, Precision, Target

EXPORTER_SOURCES = (
    "export/graphs/*.py",
    "export/htp/*.py",
    "export/worker/*.py",
    "export/calibration.py",
    "export/checkpoint.py",
    "export/component.py",
    "export/conversation.py",
    "export/metadata.py",
    "export/quantization.py",
    "backends/xnnpack.py",
    "backends/qnn/compiler_log.py",
    "backends/qnn/delegation.py",
    "backends/qnn/lowering.py",
    "backends/qnn/quantizer.py",
    "backends/qnn/shim.c",
    "targets/soc.py",
    "vlm/mode.py",
    "vlm/preprocess.py",
    "vlm/prompt.py",
)
"""Sources of ours that turn weights into bytes and say what these cost, as patterns below
``harness``."""

CPU_TABLES: frozenset[Precision] = frozenset({"8w", "4w"})
"""Precisions of tables that ExecuTorch looks up on the CPU, wherever the other components run."""


class BuildConfig(BaseModel):
    """The whole resolved configuration of one component's export (design §7).

    Settings that cannot reach a component are None there, so that it is shared: a vision encoder
    serves every mode.

    Attributes:
        target: Decides what the bytes are for; None of a table in ``CPU_TABLES``, which is the
            same everywhere.
        soc: SoC of an HTP graph.
        htp: Details of a fixed-point HTP component.
        calibration_sha256: Of everything that the component is calibrated on.
        versions: Of what turns weights into bytes, the QNN compiler's build included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    family: str
    component: Component
    precision: Precision
    backend: Backend
    target: Target | None
    soc: str | None
    mode: Mode | None
    context_length: int | None
    prefill_ar: int | None
    lookahead: LookaheadShape | None
    kv_encodings: KvEncodings | None
    htp: HtpRecipe | None
    geometry: dict[str, Any]
    image_token_id: int | None
    weights_sha256: str
    calibration_sha256: str | None
    versions: dict[str, str]
    exporter_sha256: str

    @property
    def key(self) -> str:
        """sha256 over the canonical JSON of everything above."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def decode_ar(self) -> int:
        """Tokens per call of ``kv_forward``: more than 1 in lookahead mode (contract §1.2)."""
        return 1 if self.lookahead is None else self.lookahead.ar

    @property
    def folder_name(self) -> str:
        """Name under which a person finds the component in the cache."""
        words = [self.model, self.component, self.soc or self.backend]
        return "-".join([*words, *([self.mode] if self.mode else []), self.key[:12]])

    @property
    def file_name(self) -> str:
        """Upstream's file name with the backend in place of its ``qnn`` (contract §1.1)."""
        if self.component == "text_decoder":
            return f"{self.mode}_llama_{self.backend}.pte"
        stem = "tok_embedding" if self.component == "token_embedding" else "vision_encoder"
        return f"{stem}_{self.backend}.pte"


@dataclass(frozen=True)
class ArtifactSettings:
    """What is asked of an artifact as a whole; see ``BuildConfig`` for the attributes."""

    target: Target
    mode: Mode
    context_length: int
    prefill_ar: int
    kv_encodings: KvEncodings
    image_token_id: int
    soc: str | None = None
    qnn_build: str | None = None
    htp: HtpRecipe | None = None
    lookahead: LookaheadShape | None = None


def component_order(
    spec: VlmSpec,
    component: Component,
    precision: Precision,
    settings: ArtifactSettings,
    *,
    weights_sha256: str,
    calibration_sha256: str | None,
) -> BuildConfig:
    """Resolve what one component's bytes depend on; see ``BuildConfig`` for the arguments."""
    is_decoder = component == "text_decoder"
    is_encoder = component == "vision_encoder"
    on_htp = precision not in CPU_TABLES
    vision = {"vision": asdict(spec.vision)} if is_encoder else {}
    return BuildConfig(
        model=spec.name,
        family=spec.family.name,
        component=component,
        precision=precision,
        backend="xnnpack" if settings.target == "host" else "qnn",
        target=settings.target if on_htp else None,
        soc=settings.soc if on_htp else None,
        mode=None if is_encoder else settings.mode,
        context_length=settings.context_length if is_decoder else None,
        prefill_ar=None if is_encoder or settings.mode == "kv" else settings.prefill_ar,
        lookahead=None if is_encoder else settings.lookahead,
        kv_encodings=settings.kv_encodings if is_decoder else None,
        htp=_relevant(settings.htp, component, precision),
        geometry={"text": asdict(spec.text), **vision},
        image_token_id=settings.image_token_id if is_decoder else None,
        weights_sha256=weights_sha256,
        calibration_sha256=calibration_sha256 if precision in CALIBRATED else None,
        versions=package_versions(
            settings.qnn_build if on_htp else None, calibrated=precision in CALIBRATED
        ),
        exporter_sha256=exporter_sha256(),
    )


def _relevant(
    htp: HtpRecipe | None, component: Component, precision: Precision
) -> HtpRecipe | None:
    """What of the HTP details reaches a component: a change elsewhere builds nothing anew."""
    if htp is None or precision not in CALIBRATED:
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


@functools.cache
def exporter_sha256() -> str:
    """sha256 over ``EXPORTER_SOURCES``, read once per process.

    A comment that changes rebuilds everything: a stale file, which is judged as if today's code
    had made it, is worse than a rebuild, and a version raised by hand is forgotten.
    """
    return hash_sources(Path(__file__).parents[1])


def hash_sources(package: Path) -> str:
    """Hash the names and contents of ``EXPORTER_SOURCES`` below a package folder."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in EXPORTER_SOURCES for path in package.glob(pattern)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()

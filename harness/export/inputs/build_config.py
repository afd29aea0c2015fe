"""The configuration of one component's export, from which its cache key is made."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import BaseModel

from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.vlm.mode import LookaheadShape
from harness.vocabulary import Backend, Component, KvEncodings, Mode, Precision, Target

KEY_LETTERS = 12
"""Of a key, in names of folders that people read."""


class BuildConfig(BaseModel, frozen=True, extra="forbid"):
    """All that can change one component's bytes, resolved (design §7).

    Settings that cannot reach a component are None there, so that it is shared: a vision encoder
    serves every mode.

    Attributes:
        target: Decides what the bytes are for; None of a table in ``CPU_TABLES``, which is the
            same everywhere.
        shares_memory: As ``TargetSpec.shares_memory``.
        soc: SoC of an HTP graph.
        htp: Details of a fixed-point HTP component.
        weights: Details of weights of 4 bits; None where there are none.
        rotates_hidden: Whether a text decoder's hidden states are turned.
        calibration_sha256: Of everything that the component is calibrated on.
        versions: Of what turns weights into bytes, the QNN compiler's build included.
        exporter_sha256: Of the sources that turn weights into bytes.
    """

    model: str
    family: str
    component: Component
    precision: Precision
    backend: Backend
    target: Target | None
    shares_memory: bool
    soc: str | None
    mode: Mode | None
    context_length: int | None
    prefill_ar: int | None
    lookahead: LookaheadShape | None
    kv_encodings: KvEncodings | None
    htp: HtpRecipe | None
    weights: WeightRecipe | None
    rotates_hidden: bool | None
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
        return "-".join([*words, *([self.mode] if self.mode else []), self.key[:KEY_LETTERS]])

    @property
    def file_name(self) -> str:
        """Upstream's file name with the backend in place of its ``qnn`` (contract §1.1)."""
        if self.component == "text_decoder":
            return f"{self.mode}_llama_{self.backend}.pte"
        stem = "tok_embedding" if self.component == "token_embedding" else "vision_encoder"
        return f"{stem}_{self.backend}.pte"

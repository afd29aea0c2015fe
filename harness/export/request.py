"""One artifact that somebody wants. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.export.recipe import Recipe
from harness.targets.registry import DEFAULT_TARGET, get_target
from harness.targets.soc import Soc, get_soc
from harness.targets.target import TargetSpec
from harness.vlm.mode import LookaheadShape
from harness.vlm.spec import VlmSpec
from harness.vocabulary import KvEncodings, Mode, Target


@dataclass(frozen=True)
class ExportRequest:
    """One artifact that somebody wants.

    Attributes:
        spec: The model.
        checkpoint: Folder with its weights.
        recipe: Precision per component.
        target: Decides the backend.
        soc: SoC that an HTP artifact is for; None for the target's default.
        context_length: Tokens; None for the model's.
        prefill_ar: Tokens per prefill call; None for the model's.
        lookahead: Branch of lookahead mode; None for the model's.
        kv_encodings: Whether prefill and decode share the encodings of the KV cache.
        calibration: File of samples for quantized activations.
        qnn_dir: Folder of QNN libraries, instead of those that are found.
    """

    spec: VlmSpec
    checkpoint: Path
    recipe: Recipe
    mode: Mode = "hybrid"
    target: Target = DEFAULT_TARGET
    soc: str | None = None
    context_length: int | None = None
    prefill_ar: int | None = None
    lookahead: LookaheadShape | None = None
    kv_encodings: KvEncodings = "shared"
    calibration: Path | None = None
    qnn_dir: Path | None = None

    @property
    def made_for(self) -> TargetSpec:
        """What is known of the target."""
        return get_target(self.target)

    @property
    def resolved_soc(self) -> Soc | None:
        """The SoC of an HTP artifact, None of others and where one has to be named."""
        name = self.soc or self.made_for.default_soc
        return get_soc(name) if name is not None and self.made_for.backend.is_htp else None

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

"""One artifact that somebody wants, and whether it can be had. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.artifacts.manifest import COMPONENTS, Backend, Target
from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.qnn.soc import Soc, get_soc
from harness.errors import UserError
from harness.export.calibration import CALIBRATED
from harness.export.order import KvEncodings
from harness.export.recipe import Recipe, check_precisions
from harness.vlm.mode import LookaheadShape, Mode
from harness.vlm.spec import VlmSpec

DEFAULT_SOC = "SM8650"
"""SoC of an emulator artifact where nobody names one."""

_OLDEST_ARCH_WITH_16_BIT_PRODUCTS = 73
"""HTP arch from which two 16-bit tensors can be multiplied, as attention does (contract §1.4)."""


@dataclass(frozen=True)
class ExportRequest:
    """One artifact that somebody wants.

    Attributes:
        spec: The model.
        checkpoint: Folder with its weights.
        recipe: Precision per component.
        target: Decides the backend.
        soc: SoC that an HTP artifact is for; an emulator's defaults to ``DEFAULT_SOC``.
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
    target: Target = "host"
    soc: str | None = None
    context_length: int | None = None
    prefill_ar: int | None = None
    lookahead: LookaheadShape | None = None
    kv_encodings: KvEncodings = "shared"
    calibration: Path | None = None
    qnn_dir: Path | None = None

    @property
    def backend(self) -> Backend:
        """What the graphs are lowered to."""
        return "xnnpack" if self.target == "host" else "qnn"

    @property
    def resolved_soc(self) -> Soc | None:
        """The SoC of an HTP artifact, None for the host."""
        if self.target == "host":
            return None
        return get_soc(self.soc or DEFAULT_SOC)

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


def check_request(request: ExportRequest) -> None:
    """Refuse what cannot be exported, before anything is loaded.

    Raises:
        UserError: If something asked for does not exist or does not go together.
    """
    check_precisions(request.recipe, request.target)
    _check_calibration(request)
    _check_details(request)
    _check_soc(request)
    _check_kv_encodings(request)
    check_lengths(request.mode, request.context_length, request.prefill_ar)
    check_lookahead(request.mode, request.lookahead)
    _check_ar(request)


def _check_calibration(request: ExportRequest) -> None:
    precisions = {request.recipe.precision(component) for component in COMPONENTS}
    calibrated = sorted(precisions & CALIBRATED)
    if request.calibration is not None and not calibrated:
        raise UserError(
            f"No component is calibrated ({', '.join(sorted(precisions))} fix no activation "
            "ranges); leave --calibration out."
        )
    if request.calibration is None and calibrated:
        raise UserError(
            f"Precision {calibrated[0]} fixes the ranges of activations, which takes samples, and "
            f"{request.spec.name} comes with none; give some with --calibration FILE."
        )


def _check_soc(request: ExportRequest) -> None:
    if request.target == "host":
        if request.soc is not None:
            raise UserError(
                f"--soc {request.soc} goes with --target phone or emulator; leave it out."
            )
        return
    if request.target == "phone" and request.soc is None:
        raise UserError("An artifact for a phone is for one SoC; name it with --soc SM8650.")
    soc = request.resolved_soc
    assert soc is not None
    if soc.htp_arch < _OLDEST_ARCH_WITH_16_BIT_PRODUCTS:
        _check_old_soc(soc, request.recipe)


def _check_old_soc(soc: Soc, recipe: Recipe) -> None:
    fact = f"{soc.name} has HTP v{soc.htp_arch}, and products of two 16-bit tensors need "
    needed = f"v{_OLDEST_ARCH_WITH_16_BIT_PRODUCTS}"
    if recipe.vision_encoder in CALIBRATED:
        raise UserError(
            f"{fact}{needed}, which attention in a vision encoder of {recipe.vision_encoder} has; "
            "add --precision vision_encoder=fp16."
        )
    if recipe.text_decoder in CALIBRATED and recipe.htp.kv_bits == 16:
        raise UserError(
            f"{fact}{needed}, which a decoder with a 16-bit KV cache has; give a --recipe with "
            "kv_bits = 8 in [htp]."
        )


def _check_details(request: ExportRequest) -> None:
    """Refuse details of a recipe that reach no component: somebody believes that they do."""
    recipe, defaults = request.recipe, HtpRecipe()
    for override in recipe.htp.overrides:
        precision = recipe.precision(override.component)
        if precision not in CALIBRATED:
            raise UserError(
                f"Override {override.pattern!r} of the recipe is for the {override.component}, "
                f"whose weights in {precision} it cannot change; leave it out."
            )
    schemes = {recipe.vision_encoder, recipe.text_decoder}
    schemes |= {override.scheme for override in recipe.htp.overrides}
    if recipe.htp.block_size != defaults.block_size and "16a4w_block" not in schemes:
        raise UserError(
            f"block_size {recipe.htp.block_size} of the recipe is for 16a4w_block, which no "
            "component has; leave it out."
        )
    if recipe.htp.kv_bits != defaults.kv_bits and recipe.text_decoder not in CALIBRATED:
        raise UserError(
            f"kv_bits {recipe.htp.kv_bits} of the recipe is for a quantized decoder, and one in "
            f"{recipe.text_decoder} keeps a float cache; leave it out."
        )


def _check_kv_encodings(request: ExportRequest) -> None:
    decoder = request.recipe.text_decoder
    headroom = request.recipe.htp.decode_kv_headroom
    if request.kv_encodings == "shared":
        if headroom != 1.0:
            raise UserError(
                f"decode_kv_headroom {headroom} of the recipe needs encodings of its own for "
                "decoding; add --kv-encodings requantized."
            )
    elif decoder not in CALIBRATED:
        raise UserError(
            f"KV encodings 'requantized' need a quantized cache, and a decoder in {decoder} keeps "
            "a float one; use --kv-encodings shared."
        )
    elif request.mode == "kv":
        raise UserError(
            "KV encodings 'requantized' are of two graphs, and kv mode has one; use --mode hybrid."
        )


def _check_ar(request: ExportRequest) -> None:
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


def check_image_fits(context_length: int, tokens_per_image: int) -> None:
    """Refuse a context that no picture fits into.

    Raises:
        UserError: If it is too short.
    """
    if context_length <= tokens_per_image:
        raise UserError(
            f"--context {context_length} cannot hold one image of {tokens_per_image} tokens; give "
            "a larger --context."
        )

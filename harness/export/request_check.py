"""Whether an artifact that somebody wants can be had. Imports without torch."""

from __future__ import annotations

from dataclasses import replace

from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.errors import UserError
from harness.export.recipe import Recipe, check_precisions
from harness.export.request import ExportRequest
from harness.targets.soc import Soc
from harness.vlm.mode import LookaheadShape
from harness.vlm.positions import check_positions
from harness.vocabulary import CALIBRATED, COMPONENTS, Mode

_OLDEST_ARCH_WITH_16_BIT_PRODUCTS = 73
"""HTP arch from which two 16-bit tensors can be multiplied, as attention does (contract §1.4)."""

_OLDEST_ARCH_WITH_BLOCKS = 69
"""HTP arch from which weights can be quantized in blocks (ExecuTorch 1.5.1,
backends/qualcomm/quantizer/annotators/htp_rules.py, ``validate_lpbq_support``)."""


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
    check_precisions(request.recipe, request.made_for)
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
    if request.calibration is not None and not request.recipe.takes_samples:
        raise UserError(
            f"No component is calibrated ({', '.join(sorted(precisions))} fix no activation "
            "ranges and weigh no weights); leave --calibration out."
        )
    if request.calibration is None and calibrated:
        raise UserError(
            f"Precision {calibrated[0]} fixes the ranges of activations, which takes samples, and "
            f"{request.spec.name} comes with none; give some with --calibration FILE."
        )


def _check_soc(request: ExportRequest) -> None:
    if not request.made_for.backend.is_htp:
        if request.soc is not None:
            raise UserError(
                f"--soc {request.soc} goes with --target phone or emulator; leave it out."
            )
        return
    soc = request.resolved_soc
    if soc is None:
        raise UserError(
            f"An artifact for a {request.target} is for one SoC; name it with --soc SM8650."
        )
    _check_arch(soc, request.recipe)


def _check_arch(soc: Soc, recipe: Recipe) -> None:
    """Refuse precisions that the HTP of an older SoC cannot compute."""
    if soc.htp_arch >= _OLDEST_ARCH_WITH_16_BIT_PRODUCTS:
        return
    fact = f"{soc.name} has HTP v{soc.htp_arch}, and"
    if soc.htp_arch < _OLDEST_ARCH_WITH_BLOCKS and "16a4w_block" in _weight_schemes(recipe):
        raise UserError(
            f"{fact} weights in blocks (16a4w_block) need v{_OLDEST_ARCH_WITH_BLOCKS}; use 16a4w "
            "or 16a8w."
        )
    having, instead = [], []
    if recipe.vision_encoder in CALIBRATED:
        having.append(f"attention in a vision encoder of {recipe.vision_encoder}")
        instead.append("use --precision vision_encoder=fp16")
    if recipe.text_decoder in CALIBRATED and recipe.htp.kv_bits == 16:
        having.append("a decoder with a 16-bit KV cache")
        instead.append("give a --recipe with kv_bits = 8 in [htp]")
    if having:
        raise UserError(
            f"{fact} products of two 16-bit tensors need v{_OLDEST_ARCH_WITH_16_BIT_PRODUCTS}, "
            f"which {' and '.join(having)} {'has' if len(having) == 1 else 'have'}; "
            f"{' and '.join(instead)}."
        )


def _check_details(request: ExportRequest) -> None:
    """Refuse details of a recipe that reach no component: somebody believes that they do."""
    recipe, defaults = request.recipe, HtpRecipe()
    _check_weight_details(recipe)
    if recipe.decoder.details and not recipe.quantizes_decoder:
        raise UserError(
            f"[decoder] of the recipe ({recipe.decoder.details}) is about a quantized text "
            f"decoder, and this one is in {recipe.text_decoder}; leave it out."
        )
    for override in recipe.htp.overrides:
        precision = recipe.precision(override.component)
        if precision not in CALIBRATED:
            raise UserError(
                f"Override {override.pattern!r} of the recipe is for the {override.component}, "
                f"whose weights in {precision} it cannot change; leave it out."
            )
    blocks = "16a4w_block" in _weight_schemes(recipe)
    if recipe.htp.block_size != defaults.block_size and not blocks:
        raise UserError(
            f"block_size {recipe.htp.block_size} of the recipe is for 16a4w_block, which no "
            "component has; leave it out."
        )
    if recipe.htp.kv_bits != defaults.kv_bits and recipe.text_decoder not in CALIBRATED:
        raise UserError(
            f"kv_bits {recipe.htp.kv_bits} of the recipe is for a quantized decoder, and one in "
            f"{recipe.text_decoder} keeps a float cache; leave it out."
        )
    if recipe.htp.rotate_keys and recipe.htp.kv_bits != 8:
        raise UserError(
            f"rotate_keys of the recipe is for a cache of 8 bits, and kv_bits is "
            f"{recipe.htp.kv_bits}; add kv_bits = 8 in [htp], or leave it out."
        )


def _check_weight_details(recipe: Recipe) -> None:
    """Refuse details of 4-bit weights where there are none."""
    told = recipe.weights.details
    about_an_encoder = recipe.weights.scales != WeightRecipe().scales
    reached = recipe.four_bit_weights if about_an_encoder else {"text_decoder"}
    if told and not reached & recipe.four_bit_weights:
        raise UserError(
            f"[weights] of the recipe ({told}) is about weights of 4 bits, and a text decoder in "
            f"{recipe.text_decoder} has none; leave it out."
        )


def _weight_schemes(recipe: Recipe) -> set[str]:
    """Precisions of encoder and decoder, and schemes of single layers."""
    overrides = {override.scheme for override in recipe.htp.overrides}
    return {recipe.vision_encoder, recipe.text_decoder, *overrides}


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
            f"the context of {context:,} tokens; give a smaller branch or a larger --context."
        )
    if request.mode != "kv" and not 1 < prefill_ar < context:
        raise UserError(
            f"--prefill-ar {prefill_ar} must be above 1 and below the context of {context:,} "
            "tokens."
        )


def within_positions(request: ExportRequest, max_positions: int | None) -> ExportRequest:
    """The request with a context that the model was trained for: its default, or less.

    Args:
        request: As somebody asked it.
        max_positions: Of the checkpoint; None where nobody knows.

    Raises:
        UserError: If more was asked for.
    """
    if request.context_length is not None:
        subject = f"--context {request.context_length}"
        check_positions(request.context_length, max_positions, subject)
        return request
    if max_positions is None:
        return request
    return replace(request, context_length=min(request.resolved_context_length, max_positions))


def check_image_fits(context_length: int, tokens_per_image: int) -> None:
    """Refuse a context that no picture fits into.

    Raises:
        UserError: If it is too short.
    """
    if context_length <= tokens_per_image:
        raise UserError(
            f"--context {context_length} cannot hold one image of {tokens_per_image:,} tokens; "
            "give a larger --context."
        )

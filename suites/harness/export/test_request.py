"""What does not go together is refused before anything is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.backends.decoder_recipe import DecoderRecipe
from harness.backends.qnn.recipe import HtpRecipe, LayerOverride
from harness.backends.weight_recipe import WeightRecipe
from harness.errors import UserError
from harness.export.recipe import Recipe, default_recipe
from harness.export.request import ExportRequest
from harness.export.request_check import check_request
from harness.targets.emulator import EMULATOR
from harness.vlm.registry import get_spec

FLOAT = Recipe(vision_encoder="fp16", token_embedding="fp16", text_decoder="fp16")
OVERRIDE = LayerOverride(component="vision_encoder", pattern="mlp", scheme="16a4w")


def request(
    htp: HtpRecipe | None = None, base: Recipe | None = None, **changes: Any
) -> ExportRequest:
    """A request for the emulator in the default recipe."""
    recipe = base or default_recipe(EMULATOR)
    wanted: dict[str, Any] = {"calibration": None if base == FLOAT else Path("samples.json")}
    return ExportRequest(
        get_spec("tiny_smolvlm"),
        Path(),
        recipe.model_copy(update={"htp": htp or HtpRecipe()}),
        **{"target": "emulator", **wanted, **changes},
    )


def with_weights(wanted: ExportRequest, weights: WeightRecipe) -> ExportRequest:
    """The same request with details of 4-bit weights."""
    return replace(wanted, recipe=wanted.recipe.model_copy(update={"weights": weights}))


def with_decoder(wanted: ExportRequest, decoder: DecoderRecipe) -> ExportRequest:
    """The same request with details of its text decoder."""
    return replace(wanted, recipe=wanted.recipe.model_copy(update={"decoder": decoder}))


@pytest.mark.parametrize(
    "good",
    [
        request(),
        request(base=FLOAT),
        with_decoder(request(), DecoderRecipe(rotate_hidden=False)),
        request(HtpRecipe(kv_bits=8), kv_encodings="requantized"),
        request(HtpRecipe(overrides=(OVERRIDE,))),
        request(HtpRecipe(decode_kv_headroom=1.5), kv_encodings="requantized", mode="lookahead"),
        request(target="phone", soc="sm8850"),
        with_weights(request(HtpRecipe(overrides=(OVERRIDE,))), WeightRecipe(scales="largest")),
        request(HtpRecipe(kv_bits=8, rotate_keys=True)),
        request(base=FLOAT, soc="SM8450"),
        request(
            HtpRecipe(kv_bits=8),
            base=Recipe(vision_encoder="fp16", token_embedding="16w", text_decoder="16a8w"),
            soc="SM8450",
        ),
        request(
            HtpRecipe(kv_bits=8),
            base=Recipe(vision_encoder="fp16", token_embedding="16w", text_decoder="16a4w_block"),
            soc="SM8450",
        ),
    ],
)
def test_what_goes_together_is_taken(good: ExportRequest) -> None:
    check_request(good)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            request(
                HtpRecipe(kv_bits=8),
                base=Recipe(
                    vision_encoder="fp16", token_embedding="16w", text_decoder="16a4w_block"
                ),
                soc="SM8350",
            ),
            "SM8350 has HTP v68, .* blocks .* v69",
        ),
        (
            request(
                HtpRecipe(
                    kv_bits=8,
                    overrides=(
                        LayerOverride(
                            component="text_decoder", pattern="mlp", scheme="16a4w_block"
                        ),
                    ),
                ),
                base=Recipe(vision_encoder="fp16", token_embedding="16w", text_decoder="16a8w"),
                soc="SM8350",
            ),
            "HTP v68, .* blocks",
        ),
        (request(target="phone"), "name it with --soc"),
        (request(soc="SM8551"), "did you mean SM8550"),
        (request(calibration=None), "give some with --calibration"),
        (request(HtpRecipe(kv_bits=8), base=FLOAT), "kv_bits 8 .* keeps a float cache"),
        (request(HtpRecipe(block_size=64)), "block_size 64 .* no component has"),
        (request(HtpRecipe(rotate_keys=True)), "rotate_keys .* kv_bits is 16; add kv_bits = 8"),
        (
            with_weights(request(), WeightRecipe(rounding="learned")),
            r"\(rounding=learned\) is about weights of 4 bits, .* in 16a8w has none",
        ),
        (with_weights(request(), WeightRecipe(scales="largest")), "about weights of 4 bits"),
        (
            with_weights(request(HtpRecipe(overrides=(OVERRIDE,))), WeightRecipe(head_bits=4)),
            "about weights of 4 bits",
        ),
        (request(HtpRecipe(overrides=(OVERRIDE,)), base=FLOAT), "weights in fp16 it cannot change"),
        (
            with_decoder(request(base=FLOAT), DecoderRecipe(rotate_hidden=False)),
            r"\[decoder\] of the recipe \(rotate_hidden=False\) .* this one is in fp16; leave it",
        ),
        (request(HtpRecipe(decode_kv_headroom=1.5)), "add --kv-encodings requantized"),
        (request(kv_encodings="requantized", mode="kv"), "kv mode has one"),
        (request(kv_encodings="requantized", base=FLOAT), "keeps a float one"),
        (
            request(HtpRecipe(kv_bits=8), soc="SM8450"),
            "HTP v69, .* encoder of 16a8w has; use --precision vision_encoder=fp16.$",
        ),
        (
            request(soc="SM8450"),
            "which attention in .* and a decoder with a 16-bit KV cache have; use --precision "
            r"vision_encoder=fp16 and give a --recipe with kv_bits = 8 in \[htp\].$",
        ),
        (
            request(
                base=Recipe(vision_encoder="fp16", token_embedding="16w", text_decoder="16a8w"),
                soc="SM8350",
            ),
            "HTP v68, .* kv_bits = 8",
        ),
    ],
)
def test_what_does_not_is_one_sentence(bad: ExportRequest, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_request(bad)

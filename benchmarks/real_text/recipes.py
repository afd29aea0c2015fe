"""Recipes that are laid side by side on real language."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from harness.backends.decoder_recipe import DecoderRecipe
from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.export.recipe import Recipe
from harness.targets.target import TargetSpec
from harness.vocabulary import Precision

LEARNED = WeightRecipe(rounding="learned")
PLAIN = WeightRecipe(scales="largest", head_bits=4)
"""As upstream quantizes: no scale is searched, and the layer of logits is one like all others."""

UNTURNED, TURNED = DecoderRecipe(rotate_hidden=False), DecoderRecipe(rotate_hidden=True)


def _host(precision: Precision, **details: BaseModel) -> Recipe:
    """The other components are float, which text never meets."""
    return Recipe.model_validate({"text_decoder": precision, **details})


def _htp(precision: Precision, **details: BaseModel) -> Recipe:
    floats = {"vision_encoder": "fp16", "token_embedding": "fp16"}
    return Recipe.model_validate({**floats, "text_decoder": precision, **details})


_HOST: Mapping[str, Recipe] = {
    "8da8w": _host("8da8w"),
    "8da8w unturned": _host("8da8w", decoder=UNTURNED),
    "8da4w": _host("8da4w"),
    "8da4w turned": _host("8da4w", decoder=TURNED),
    "8da4w learned": _host("8da4w", weights=LEARNED),
    "8da4w plain": _host("8da4w", weights=PLAIN),
}
_HTP: Mapping[str, Recipe] = {
    "16a8w": _htp("16a8w"),
    "16a8w unturned": _htp("16a8w", decoder=UNTURNED),
    "16a8w kv8": _htp("16a8w", htp=HtpRecipe(kv_bits=8)),
    "16a8w kv8 rotated": _htp("16a8w", htp=HtpRecipe(kv_bits=8, rotate_keys=True)),
    "16a4w_block": _htp("16a4w_block"),
    "16a4w_block turned": _htp("16a4w_block", decoder=TURNED),
    "16a4w_block learned": _htp("16a4w_block", weights=LEARNED),
    "16a4w_block of 16": _htp("16a4w_block", htp=HtpRecipe(block_size=16)),
    "16a4w_block of 16 learned": _htp("16a4w_block", weights=LEARNED, htp=HtpRecipe(block_size=16)),
    "16a4w_block of 64": _htp("16a4w_block", htp=HtpRecipe(block_size=64)),
    "16a4w_block plain": _htp("16a4w_block", weights=PLAIN),
    "16a4w": _htp("16a4w"),
    "16a4w learned": _htp("16a4w", weights=LEARNED),
    "16a4w plain": _htp("16a4w", weights=PLAIN),
}


def recipes(target: TargetSpec) -> Mapping[str, Recipe]:
    """Recipes of a text decoder by name."""
    return _HTP if target.backend.is_htp else _HOST

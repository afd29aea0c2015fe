"""Recipes that are laid side by side on real language."""

from __future__ import annotations

from collections.abc import Mapping

from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.export.recipe import Recipe
from harness.targets.target import TargetSpec
from harness.vocabulary import Precision

LEARNED = WeightRecipe(rounding="learned")
PLAIN = WeightRecipe(scales="largest", head_bits=4)
"""As upstream quantizes: no scale is searched, and the layer of logits is one like all others."""

_HOST: Mapping[str, tuple[Precision, WeightRecipe, HtpRecipe]] = {
    "8da8w": ("8da8w", WeightRecipe(), HtpRecipe()),
    "8da4w": ("8da4w", WeightRecipe(), HtpRecipe()),
    "8da4w learned": ("8da4w", LEARNED, HtpRecipe()),
    "8da4w plain": ("8da4w", PLAIN, HtpRecipe()),
}
_HTP: Mapping[str, tuple[Precision, WeightRecipe, HtpRecipe]] = {
    "16a8w": ("16a8w", WeightRecipe(), HtpRecipe()),
    "16a8w kv8": ("16a8w", WeightRecipe(), HtpRecipe(kv_bits=8)),
    "16a8w kv8 rotated": ("16a8w", WeightRecipe(), HtpRecipe(kv_bits=8, rotate_keys=True)),
    "16a4w_block": ("16a4w_block", WeightRecipe(), HtpRecipe()),
    "16a4w_block learned": ("16a4w_block", LEARNED, HtpRecipe()),
    "16a4w_block of 16": ("16a4w_block", WeightRecipe(), HtpRecipe(block_size=16)),
    "16a4w_block of 16 learned": ("16a4w_block", LEARNED, HtpRecipe(block_size=16)),
    "16a4w_block of 64": ("16a4w_block", WeightRecipe(), HtpRecipe(block_size=64)),
    "16a4w_block plain": ("16a4w_block", PLAIN, HtpRecipe()),
    "16a4w": ("16a4w", WeightRecipe(), HtpRecipe()),
    "16a4w learned": ("16a4w", LEARNED, HtpRecipe()),
    "16a4w plain": ("16a4w", PLAIN, HtpRecipe()),
}


def recipes(target: TargetSpec) -> dict[str, Recipe]:
    """Recipes of a text decoder by name; the other components are float, which text never meets."""
    table = _HTP if target.backend.is_htp else _HOST
    base = "fp16" if target.backend.is_htp else "fp32"
    return {
        name: Recipe(
            vision_encoder=base,
            token_embedding=base,
            text_decoder=precision,
            weights=weights,
            htp=htp,
        )
        for name, (precision, weights, htp) in table.items()
    }

"""How an HTP graph is quantized beyond its precision's name. Imports without torch."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from pydantic import BaseModel, Field, field_validator

WeightScheme = Literal["16a8w", "16a4w", "16a4w_block"]
"""16-bit activations with weights of 8 or 4 bits per output channel, or of 4 bits per block of
inputs (LPBQ)."""


class LayerOverride(BaseModel, frozen=True, extra="forbid"):
    """Another weight scheme for some layers.

    Attributes:
        component: Whose layers.
        pattern: Regular expression that is found in a layer's path, ``layers.0.mlp.down_proj``.
        scheme: What these layers get.
    """

    component: Literal["vision_encoder", "text_decoder"]
    pattern: str
    scheme: WeightScheme

    @property
    def has_four_bits(self) -> bool:
        """Whether these layers get weights of 4 bits."""
        return self.scheme != "16a8w"

    @field_validator("pattern")
    @classmethod
    def _is_regular_expression(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression ({error})") from error
        return pattern


class HtpRecipe(BaseModel, frozen=True, extra="forbid"):
    """Details of fixed-point graphs; every default is upstream's.

    Attributes:
        kv_bits: Width of the KV cache.
        block_size: Inputs that share one scale in ``16a4w_block``.
        decode_kv_headroom: How much wider than calibration saw the decode graph's K and V ranges
            are made, for conversations longer than the samples. Above 1 only where decode and
            prefill are calibrated apart (``requantized``).
        rotate_keys: Whether Q and K are turned by a Hadamard matrix behind their positions, so that
            a cache of 8 bits holds K more exactly.
        overrides: Layers with another weight scheme; later ones win.
    """

    kv_bits: Literal[8, 16] = 16
    rotate_keys: bool = False
    block_size: int = Field(default=32, ge=1)
    decode_kv_headroom: float = Field(default=1.0, ge=1.0, le=4.0)
    overrides: tuple[LayerOverride, ...] = ()

    @property
    def details(self) -> str:
        """What differs from the defaults, ``kv_bits=8``; empty where nothing does.

        Overrides are told by a hash: a report needs to tell them apart, not to repeat them.
        """
        words = [
            f"{name}={value}"
            for name, value in self.model_dump(exclude={"overrides"}, exclude_defaults=True).items()
        ]
        if self.overrides:
            listed = "\n".join(one.model_dump_json() for one in self.overrides)
            words.append(f"overrides={hashlib.sha256(listed.encode()).hexdigest()[:6]}")
        return ",".join(words)

    def overrides_of(self, component: str) -> tuple[LayerOverride, ...]:
        """The overrides of one component, in order."""
        return tuple(one for one in self.overrides if one.component == component)

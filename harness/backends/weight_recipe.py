"""How float weights become codes of 4 bits, whatever the backend. Imports without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class WeightRecipe(BaseModel, frozen=True, extra="forbid"):
    """Details of weights in precisions of 4 bits.

    Attributes:
        scales: ``searched``: those that leave the least squared error, each input's weighed by what
            it carries when the text decoder reads samples; ``largest``: those with which no weight
            is out of reach, as upstream has them.
        rounding: ``nearest``; or ``learned``, where each code makes up for the errors of those
            before it on the samples (GPTQ). Of the text decoder's layers, head excluded.
        head_bits: Bits of the layer that makes logits, one scale per token if 8.
    """

    scales: Literal["searched", "largest"] = "searched"
    rounding: Literal["nearest", "learned"] = "nearest"
    head_bits: Literal[4, 8] = 8

    @property
    def reads_samples(self) -> bool:
        """Whether what a text decoder reads decides its weights."""
        return self.scales == "searched" or self.rounding == "learned"

    @property
    def details(self) -> str:
        """What differs from the defaults, ``rounding=learned``; empty where nothing does."""
        changed = self.model_dump(exclude_defaults=True)
        return ",".join(f"{name}={value}" for name, value in changed.items())

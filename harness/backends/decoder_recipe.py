"""How a quantized text decoder is written, whatever the backend. Imports without torch."""

from __future__ import annotations

from pydantic import BaseModel

from harness.backends.qnn.recipe import HtpRecipe
from harness.vocabulary import FLOATS, FOUR_BIT_WEIGHTS, Precision


class DecoderRecipe(BaseModel, frozen=True, extra="forbid"):
    """Details of a text decoder whose weights or activations are quantized.

    Attributes:
        rotate_hidden: Whether what runs between its layers is turned by a Hadamard matrix, so that
            few bits hold it more exactly. None, in what somebody asks for: as
            :func:`rotates_by_default`. Upstream leaves it as it is.
    """

    rotate_hidden: bool | None = None

    @property
    def details(self) -> str:
        """What is told, ``rotate_hidden=False``; empty where nothing is."""
        told = self.model_dump(exclude_defaults=True)
        return ",".join(f"{name}={value}" for name, value in told.items())

    def beside(self, precision: Precision, htp: HtpRecipe | None) -> DecoderRecipe:
        """The same, told only where it is not what the default would be."""
        is_default = self.rotate_hidden == rotates_by_default(precision, htp)
        return DecoderRecipe() if is_default else self


def rotates_by_default(precision: Precision, htp: HtpRecipe | None) -> bool:
    """Whether hidden states are turned where nobody says: all weights of the decoder have 8 bits.

    Args:
        precision: Of the text decoder.
        htp: Details of an HTP graph, with schemes of single layers.
    """
    overrides = () if htp is None else htp.overrides_of("text_decoder")
    has_8_bits = precision not in FLOATS | FOUR_BIT_WEIGHTS
    return has_8_bits and not any(one.has_four_bits for one in overrides)

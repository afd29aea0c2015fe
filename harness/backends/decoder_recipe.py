"""How a quantized text decoder is written, whatever the backend. Imports without torch."""

from __future__ import annotations

from pydantic import BaseModel


class DecoderRecipe(BaseModel, frozen=True, extra="forbid"):
    """Details of a text decoder whose weights or activations are quantized.

    Attributes:
        rotate_hidden: Whether what runs between its layers is turned by a Hadamard matrix, so that
            few bits hold it more exactly. None: where all weights have 8 bits. Upstream leaves it
            as it is.
    """

    rotate_hidden: bool | None = None

    @property
    def details(self) -> str:
        """What differs from the defaults, ``rotate_hidden=False``; empty where nothing does."""
        changed = self.model_dump(exclude_defaults=True)
        return ",".join(f"{name}={value}" for name, value in changed.items())

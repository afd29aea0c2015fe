"""How a quantized text decoder is written, whatever the backend. Imports without torch."""

from __future__ import annotations

from pydantic import BaseModel


class DecoderRecipe(BaseModel, frozen=True, extra="forbid"):
    """Details of a text decoder whose weights or activations are quantized.

    Attributes:
        rotate_hidden: Whether what runs between its layers and the values of its heads are turned
            by Hadamard matrices, so that few bits hold them more exactly. Upstream leaves them as
            they are.
    """

    rotate_hidden: bool = True

    @property
    def details(self) -> str:
        """What differs from the defaults, ``rotate_hidden=False``; empty where nothing does."""
        changed = self.model_dump(exclude_defaults=True)
        return ",".join(f"{name}={value}" for name, value in changed.items())

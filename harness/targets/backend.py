"""What graphs are lowered to, and what follows from it for recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.vocabulary import COMPONENTS, Backend, Component, Precision


@dataclass(frozen=True)
class BackendSpec:
    """A backend: which precisions its graphs can have.

    Attributes:
        name: As manifests and file names write it.
        precisions: That a component can have.
        recipe: What is exported where nobody names a precision.
        further_recipe: What a quick target is asked as well where nobody names a precision; None
            for nothing more.
        is_htp: Whether its graphs are compiled for the HTP of one SoC. Those have a static cost, a
            quantized KV cache that may be requantized, and details of a recipe (``[htp]``).
    """

    name: Backend
    precisions: Mapping[Component, tuple[Precision, ...]]
    recipe: Mapping[Component, Precision]
    further_recipe: Mapping[Component, Precision] | None
    is_htp: bool


XNNPACK = BackendSpec(
    name="xnnpack",
    precisions={
        "vision_encoder": ("fp32", "8da4w", "8da8w"),
        "token_embedding": ("fp32", "8da4w", "8da8w", "8w", "4w"),
        "text_decoder": ("fp32", "8da4w", "8da8w"),
    },
    recipe=dict.fromkeys(COMPONENTS, "fp32"),
    further_recipe={
        "vision_encoder": "fp32",
        "token_embedding": "fp32",
        "text_decoder": "8da4w",
    },
    is_htp=False,
)

QNN = BackendSpec(
    name="qnn",
    precisions={
        "vision_encoder": ("fp16", "16a8w", "16a4w", "16a4w_block"),
        "token_embedding": ("fp16", "16w", "8w", "4w"),
        "text_decoder": ("fp16", "16a8w", "16a4w", "16a4w_block"),
    },
    recipe={"vision_encoder": "16a8w", "token_embedding": "16w", "text_decoder": "16a8w"},
    further_recipe=None,
    is_htp=True,
)

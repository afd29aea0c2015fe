"""What the trainer must know of a family to train a miniature of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from harness.vlm.family_parts import load_part
from harness.vlm.spec import VlmFamily, VlmSpec


@dataclass(frozen=True)
class MiniatureFamily:
    """One family's ``transformers`` classes, and what its tokenizers hold.

    Attributes:
        special_tokens: Of the real models' tokenizer, in the order of their ids at the end of the
            vocabulary; stop tokens, image token and ``<|endoftext|>`` among them.
        model: Class of the real model.
        config: Makes the model's configuration from a spec, the options of the text configuration
            that all decoders share, and the id of the image token.
        image_processor: Makes the processor of one square view without tiles.
    """

    special_tokens: tuple[str, ...]
    model: type[PreTrainedModel]
    config: Callable[[VlmSpec, Mapping[str, Any], int], PreTrainedConfig]
    image_processor: Callable[[VlmSpec], BaseImageProcessor]


def miniature_of(family: VlmFamily) -> MiniatureFamily:
    """What the trainer must know of a family.

    Raises:
        UserError: If nobody has told it.
    """
    found: MiniatureFamily = load_part(family, "miniature")
    return found

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
class AddedTokens:
    """What a family adds to the vocabulary of its language model.

    Attributes:
        first: Tokens with the ids from 0 on, of which the language model knows.
        base_size: Ids of the language model's vocabulary, ``first`` included where it is there.
        further: Tokens with the ids from ``base_size`` on.
        filler: What the ids behind them are called, a number in the braces.
        last: Tokens with the last ids.
    """

    first: tuple[str, ...]
    base_size: int
    further: tuple[str, ...]
    filler: str = "<|reserved_special_token_{}|>"
    last: tuple[str, ...] = ()

    def behind(self, vocab_size: int) -> tuple[str, ...]:
        """All tokens behind the language model's vocabulary, in the order of their ids."""
        fillers = vocab_size - self.base_size - len(self.further) - len(self.last)
        return (*self.further, *map(self.filler.format, range(fillers)), *self.last)


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
        added_tokens: Where the published tokenizers have their special tokens.
    """

    special_tokens: tuple[str, ...]
    model: type[PreTrainedModel]
    config: Callable[[VlmSpec, Mapping[str, Any], int], PreTrainedConfig]
    image_processor: Callable[[VlmSpec], BaseImageProcessor]
    added_tokens: AddedTokens | None = None


def miniature_of(family: VlmFamily) -> MiniatureFamily:
    """What the trainer must know of a family.

    Raises:
        UserError: If nobody has told it.
    """
    found: MiniatureFamily = load_part(family, "miniature")
    return found

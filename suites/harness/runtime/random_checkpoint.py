"""Miniatures with random weights: their answers mean nothing, but every number must be right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer as Engine

from harness.artifacts.artifact import Artifact
from harness.runtime.files import RunFiles
from harness.runtime.observer import Observer
from harness.runtime.request import RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.picture import load_image
from harness.vlm.preprocess import preprocess
from harness.vlm.prompt import (
    IMAGE_PLACEHOLDER,
    ImagePiece,
    format_turn,
    place_images,
    split_pieces,
)
from harness.vlm.spec import VlmSpec
from training.saving import build_model, load_model, load_tokenizer, save_checkpoint
from training.tokenizer import build_tokenizer, token_id

_STD = 0.15
"""Wide enough that the next token depends on every earlier one, image rows included."""


@dataclass
class RandomModel:
    """A checkpoint and the artifact that was exported from it."""

    spec: VlmSpec
    checkpoint: Path
    artifact: Artifact

    def runner(self, options: RunOptions, observer: Observer | None = None) -> MultimodalRunner:
        """Our runner on the artifact."""
        return MultimodalRunner(RunFiles.of(self.artifact), self.spec.family, options, observer)

    @cached_property
    def reference(self) -> Any:
        """The same weights in ``transformers``, whose ``generate`` is typed for its mixin alone."""
        return load_model(self.checkpoint)

    @cached_property
    def engine(self) -> Engine:
        """The checkpoint's tokenizer."""
        return load_tokenizer(self.checkpoint)

    def reference_answers(
        self, prompts: tuple[str, ...], images: tuple[str, ...], tokens: int
    ) -> list[tuple[int, ...]]:
        """Greedy answers of ``transformers`` on identical pixels and ids, one per turn.

        As in the runner, the last token of an answer is not part of the next turn's past.
        """
        past: list[int] = []
        answers = []
        shown = 0
        for prompt in place_images(prompts, len(images)):
            past += self.prompt_ids(prompt)
            shown += prompt.count(IMAGE_PLACEHOLDER)
            output = self.reference.generate(
                input_ids=torch.tensor([past]),
                attention_mask=torch.ones(1, len(past), dtype=torch.long),
                pixel_values=self.pixels(images[:shown]),
                max_new_tokens=tokens,
                do_sample=False,
                eos_token_id=None,
            )
            answer = tuple(output[0, len(past) :].tolist())
            answers.append(answer)
            past += answer[:-1]
        return answers

    def prompt_ids(self, prompt: str) -> list[int]:
        """Ids of one turn, an image as a run of the model's image token."""
        ids: list[int] = []
        for piece in split_pieces(format_turn(prompt, "", self.spec.family.prompt)):
            if isinstance(piece, ImagePiece):
                image_id = token_id(self.engine, self.spec.family.image_token)
                ids += [image_id] * self.spec.vision.tokens_per_image
            else:
                ids += self.engine.encode(piece.text).ids
        return ids

    def pixels(self, images: tuple[str, ...]) -> torch.Tensor:
        """Pixel values in the shape that the family's class takes."""
        size, recipe = self.spec.vision.image_size_px, self.spec.family.preprocessing
        arrays = [preprocess(load_image(Path(image)), size, recipe) for image in images]
        pixels = torch.cat([torch.from_numpy(array) for array in arrays])
        return pixels[None] if self.spec.family.has_image_axis else pixels


def save_random_checkpoint(spec: VlmSpec, folder: Path) -> None:
    """Write a checkpoint whose weights depend on the spec alone."""
    tokenizer = build_tokenizer(spec)
    model = build_model(spec, tokenizer)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=_STD, generator=generator)
    save_checkpoint(model.state_dict(), spec, tokenizer, folder)

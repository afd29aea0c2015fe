"""Miniatures with random weights: their answers mean nothing, but every number must be right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from harness.artifacts.artifact import Artifact
from harness.miniatures.configuration import VlmModel, build_model, model_config
from harness.miniatures.saving import load_model, load_tokenizer, save_checkpoint
from harness.miniatures.tokenizer import build_tokenizer
from harness.runtime.files import RunFiles
from harness.runtime.observer import Observer
from harness.runtime.request import RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.preprocess import load_image, preprocess
from harness.vlm.prompt import ImagePiece, format_turn, place_images, split_pieces
from harness.vlm.spec import VlmSpec

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
    def reference(self) -> VlmModel:
        """The same weights in ``transformers``."""
        return load_model(self.checkpoint)

    def reference_answers(
        self, prompts: tuple[str, ...], images: tuple[str, ...], tokens: int
    ) -> list[tuple[int, ...]]:
        """Greedy answers of ``transformers`` on identical pixels and ids, one per turn.

        As in the runner, the last token of an answer is not part of the next turn's past.
        """
        size, recipe = self.spec.vision.image_size_px, self.spec.family.preprocessing
        pixels = torch.cat(
            [torch.from_numpy(preprocess(load_image(Path(i)), size, recipe)) for i in images]
        )
        past: list[int] = []
        answers = []
        shown = 0
        for prompt in place_images(prompts, len(images)):
            past += self._prompt_ids(prompt)
            shown += prompt.count("<image>")
            answer = self._continue(past, pixels[:shown], tokens)
            answers.append(answer)
            past += answer[:-1]
        return answers

    def _prompt_ids(self, prompt: str) -> list[int]:
        engine = load_tokenizer(self.checkpoint)
        image_ids = [engine.token_to_id(self.spec.family.image_token)]
        ids: list[int] = []
        for piece in split_pieces(format_turn(prompt, "", self.spec.family.prompt)):
            if isinstance(piece, ImagePiece):
                ids += image_ids * self.spec.vision.tokens_per_image
            else:
                ids += engine.encode(piece.text).ids
        return ids

    def _continue(self, ids: list[int], pixels: torch.Tensor, tokens: int) -> tuple[int, ...]:
        # Idefics3 takes the images of a batch row as one more dimension.
        batched = pixels[None] if self.spec.family.name == "smolvlm" else pixels
        with torch.no_grad():
            output = self.reference.generate(
                input_ids=torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                pixel_values=batched,
                max_new_tokens=tokens,
                do_sample=False,
                eos_token_id=None,
            )
        return tuple(output[0, len(ids) :].tolist())


def save_random_checkpoint(spec: VlmSpec, folder: Path) -> None:
    """Write a checkpoint whose weights depend on the spec alone."""
    tokenizer = build_tokenizer(spec)
    model = build_model(model_config(spec, tokenizer))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=_STD, generator=generator)
    save_checkpoint(model.state_dict(), spec, tokenizer, folder)

"""Exact match of a miniature on unseen scenes, with the right picture and with wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor
from transformers import GenerationMixin, PreTrainedModel

from harness.miniatures.questions import KINDS
from harness.miniatures.scenes import SceneSample
from harness.vlm.preprocess import preprocess
from harness.vlm.spec import VlmSpec
from training.tokenizer import encode_prompt

Sight = Literal["right", "blank", "swapped"]
"""Which picture the model sees: the sample's, a plain grey one, or another sample's."""

_ROWS_AT_ONCE = 50
_LONGEST_ANSWER = 80
_BLANK_LEVEL = 128


@dataclass(frozen=True)
class ExactMatch:
    """Right answers among the samples of one kind of question."""

    kind: str
    right: int
    samples: int

    @property
    def share(self) -> float:
        """Right answers as a fraction of the samples."""
        return self.right / self.samples if self.samples else float("nan")


def total(scores: Sequence[ExactMatch]) -> ExactMatch:
    """All kinds together."""
    return ExactMatch("total", sum(s.right for s in scores), sum(s.samples for s in scores))


def exact_match(
    model: PreTrainedModel,
    spec: VlmSpec,
    tokenizer: Tokenizer,
    samples: Sequence[SceneSample],
    sight: Sight = "right",
    watch: Callable[[int], None] = lambda answered: None,
) -> tuple[ExactMatch, ...]:
    """Ask every sample and compare the whole answers.

    Args:
        model: Of any family, in evaluation mode.
        spec: Its spec.
        tokenizer: Its tokenizer.
        samples: What to ask.
        sight: Which picture to show.
        watch: Called with the number of samples answered since the last call.

    Returns:
        One score per kind, in the order of ``KINDS``.
    """
    shown = [_picture(samples, index, sight) for index in range(len(samples))]
    order = sorted(range(len(samples)), key=lambda index: samples[index].question.kind)
    right = dict.fromkeys(KINDS, 0)
    for start in range(0, len(order), _ROWS_AT_ONCE):
        chosen = order[start : start + _ROWS_AT_ONCE]
        prompts = [samples[index].question.prompt for index in chosen]
        answers = generate(model, spec, tokenizer, prompts, [shown[index] for index in chosen])
        for index, answer in zip(chosen, answers, strict=True):
            question = samples[index].question
            right[question.kind] += answer == question.answer
        watch(len(chosen))
    asked = [sample.question.kind for sample in samples]
    return tuple(ExactMatch(kind, right[kind], asked.count(kind)) for kind in KINDS)


def generate(
    model: PreTrainedModel,
    spec: VlmSpec,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    pictures: Sequence[Image.Image],
) -> list[str]:
    """Greedy answers of ``transformers``' ``generate`` to one question per picture.

    Prompts are padded on the left. Answers come without special tokens and surrounding blanks.
    """
    rows = [encode_prompt(prompt, spec, tokenizer) for prompt in prompts]
    length = max(len(row) for row in rows)
    padding = model.generation_config.pad_token_id
    input_ids = torch.tensor([[padding] * (length - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows])
    with torch.inference_mode():
        ids = cast(GenerationMixin, model).generate(  # type: ignore[misc] # self is hinted narrowly
            input_ids=input_ids,
            attention_mask=mask,
            pixel_values=pixel_values(pictures, spec),
            max_new_tokens=_LONGEST_ANSWER,
            do_sample=False,
        )
    return [text.strip() for text in tokenizer.decode_batch(ids[:, length:].tolist())]


def pixel_values(pictures: Sequence[Image.Image], spec: VlmSpec) -> Tensor:
    """Preprocessed pictures in the shape that the family's ``transformers`` class takes.

    Returns:
        float32 ``[pictures, 3, side, side]``, or with a 1 behind ``pictures`` where the class takes
        several pictures per sample.
    """
    side, recipe = spec.vision.image_size_px, spec.family.preprocessing
    pixels = torch.cat([torch.from_numpy(preprocess(p, side, recipe)) for p in pictures])
    return pixels[:, None] if spec.family.has_image_axis else pixels


def _picture(samples: Sequence[SceneSample], index: int, sight: Sight) -> Image.Image:
    if sight == "swapped":
        return samples[(index + 1) % len(samples)].draw()
    picture = samples[index].draw()
    return picture if sight == "right" else Image.new("RGB", picture.size, (_BLANK_LEVEL,) * 3)

"""Training batches: several questions about one image share its rows in one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from harness.miniatures.questions import KINDS
from harness.miniatures.scenes import Scene
from harness.vlm.preprocess import preprocess
from harness.vlm.spec import VlmSpec
from training.tokenizer import Example, encode_example

Lesson = tuple[tuple[str, ...], ...]

EVERYTHING: Lesson = (KINDS,)
"""Each scene with one question of every kind."""

_MOSTLY_RELATION = ("colour", "shape", "digit", *["relation"] * 5)
_MOSTLY_COLOUR = (*["colour"] * 5, "shape", "digit", "relation")

DRILL: Lesson = (KINDS, _MOSTLY_RELATION, _MOSTLY_COLOUR, _MOSTLY_RELATION)
"""Mostly the kinds that are learned last, in sequences no longer than with a description."""


@dataclass(frozen=True)
class Batch:
    """Scenes with all their questions, padded on the right.

    Attributes:
        pixel_values: float32 ``[scenes, 3, side, side]``.
        input_ids: int64 ``[scenes, length]``: prefix with image, then question and answer pairs.
        position_ids: int64 ``[scenes, length]``; each pair counts on from the prefix.
        attention_mask: bool ``[scenes, 1, length, length]``, True where row may look at column:
            the past of its own pair and the prefix.
        targets: int64 ``[scenes, length]``: the token that follows, or -1 where it is not judged.
    """

    pixel_values: Tensor
    input_ids: Tensor
    position_ids: Tensor
    attention_mask: Tensor
    targets: Tensor


@dataclass(frozen=True)
class _Sequence:
    ids: list[int]
    positions: list[int]
    pairs: list[int]
    targets: list[int]


def scene_pixels(scene: Scene, spec: VlmSpec) -> Tensor:
    """Preprocessed picture of one scene: float32 ``[3, side, side]``."""
    pixels = preprocess(scene.draw(), spec.vision.image_size_px, spec.family.preprocessing)
    return torch.from_numpy(pixels[0])


def make_batch(
    seeds: Sequence[int], spec: VlmSpec, tokenizer: Tokenizer, lesson: Lesson = EVERYTHING
) -> Batch:
    """Draw the scenes of ``seeds`` and encode their questions.

    Args:
        seeds: One per scene.
        spec: Decides preprocessing and prompt.
        tokenizer: Its tokenizer.
        lesson: Kinds of the questions; the scenes take its entries in turn.
    """
    scenes = [Scene.from_seed(seed) for seed in seeds]
    rows = [
        _pack([encode_example(question, spec, tokenizer) for question in scene.questions(kinds)])
        for scene, kinds in zip(scenes, cycle(lesson), strict=False)
    ]
    length = max(len(row.ids) for row in rows)
    pairs = _padded([row.pairs for row in rows], length, -1)
    past = torch.ones(length, length, dtype=torch.bool).tril()
    visible = (pairs[:, :, None] == pairs[:, None, :]) | (pairs[:, None, :] == 0)
    return Batch(
        pixel_values=torch.stack([scene_pixels(scene, spec) for scene in scenes]),
        input_ids=_padded([row.ids for row in rows], length, 0),
        position_ids=_padded([row.positions for row in rows], length, 0),
        attention_mask=(past & visible)[:, None],
        targets=_padded([row.targets for row in rows], length, -1),
    )


def _pack(examples: Sequence[Example]) -> _Sequence:
    prefix = examples[0].prefix
    row = _Sequence(
        ids=list(prefix),
        positions=list(range(len(prefix))),
        pairs=[0] * len(prefix),
        targets=[-1] * len(prefix),
    )
    for pair, example in enumerate(examples, start=1):
        ids = example.question + example.answer[:-1]
        row.ids.extend(ids)
        row.positions.extend(range(len(prefix), len(prefix) + len(ids)))
        row.pairs.extend([pair] * len(ids))
        row.targets.extend([-1] * (len(example.question) - 1))
        row.targets.extend(example.answer)
    return row


def _padded(rows: Sequence[Sequence[int]], length: int, filler: int) -> Tensor:
    table = np.full((len(rows), length), filler, dtype=np.int64)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return torch.from_numpy(table)

"""What a ladder is asked: conversations of two turns, each about a picture of its own.

A model that was trained on language is also asked what takes an answer of some length, without a
picture: what it says of a drawn scene may be a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.miniatures.scenes import SceneSample, evaluation_samples
from harness.runtime.request import Request
from harness.vlm.prompt import IMAGE_PLACEHOLDER
from harness.vlm.spec import VlmSpec

TURNS = 2

TALK = ("What is the capital of France?", "Write one sentence about the sea.")


def ladder_conversations(
    spec: VlmSpec, count: int, folder: Path, *, start: int = 0
) -> tuple[Request, ...]:
    """What the stages of a model are put through.

    Args:
        spec: The model; miniatures know nothing but scenes.
        count: How many conversations about scenes.
        folder: For their pictures.
        start: How many scenes' conversations to leave out.

    Raises:
        UserError: If there are not that many scenes.
    """
    scenes = scene_conversations(count, folder, start=start)
    return scenes if spec.is_miniature else (*scenes, Request(id="talk", prompts=TALK))


def scene_conversations(count: int, folder: Path, *, start: int = 0) -> tuple[Request, ...]:
    """Conversations about drawn scenes, which every model can be asked about.

    Args:
        count: How many.
        folder: For their pictures.
        start: How many to leave out, so that other ones are asked about other scenes.

    Raises:
        UserError: If there are not that many scenes.
    """
    samples = evaluation_samples((start + count) * TURNS)[start * TURNS :]
    chunks = (samples[at : at + TURNS] for at in range(0, len(samples), TURNS))
    return tuple(_conversation(chunk, folder) for chunk in chunks)


def _conversation(samples: Sequence[SceneSample], folder: Path) -> Request:
    names = [f"scene-{sample.scene_seed}" for sample in samples]
    paths = [folder / f"{name}.png" for name in names]
    for sample, path in zip(samples, paths, strict=True):
        sample.draw().save(path)
    prompts = tuple(f"{IMAGE_PLACEHOLDER}{sample.question.prompt}" for sample in samples)
    return Request(id="-".join(names), prompts=prompts, images=tuple(map(str, paths)))

"""Drawn scenes as both exporters calibrate on them and as the runner is asked about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from harness.miniatures.scenes import SceneSample, calibration_samples, evaluation_samples
from harness.runtime.request import Request
from harness.vlm.prompt import IMAGE_PLACEHOLDER


@dataclass(frozen=True)
class Exam:
    """What all exports are asked.

    Attributes:
        requests: Scenes, then conversations.
        expected: Right answers to the scenes by request, without surrounding blanks.
    """

    requests: tuple[Request, ...]
    expected: dict[str, str]


def write_calibration(folder: Path, count: int) -> Path:
    """Draw calibration scenes and write them as ``--calib_samples`` (contract §6.4).

    Args:
        folder: Gets the pictures and ``calibration.json``.
        count: Number of scenes.

    Returns:
        The JSON file; its pictures are absolute paths, as upstream resolves none.
    """
    entries = [
        {
            "files": [str(_picture(folder, sample))],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image"},
                        {"type": "text", "text": sample.question.prompt},
                    ],
                },
                {"role": "assistant", "content": sample.question.answer},
            ],
        }
        for sample in calibration_samples(count)
    ]
    path = folder / "calibration.json"
    path.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    return path


def write_exam(folder: Path, scenes: int, conversations: int) -> Exam:
    """Draw test scenes, one question each, and put the pictures into a folder.

    Args:
        folder: Gets the pictures.
        scenes: Questions about one picture each.
        conversations: Of several turns, which use the same pictures again.
    """
    samples = evaluation_samples(scenes)
    requests = tuple(
        Request(
            id=f"scene-{sample.scene_seed}-{sample.question.kind}",
            prompts=(f"{IMAGE_PLACEHOLDER}{sample.question.prompt}",),
            images=(str(_picture(folder, sample)),),
        )
        for sample in samples
    )
    answers = [sample.question.answer for sample in samples]
    expected = dict(zip((one.id for one in requests), answers, strict=True))
    further = tuple(_conversation(folder, number) for number in range(conversations))
    return Exam((*requests, *further), expected)


def _conversation(folder: Path, number: int) -> Request:
    """Two or three turns; about one picture, about two at once, or each about its own."""
    turns, how = 2 + number % 2, number % 3
    samples = evaluation_samples(3 * number + turns)[-turns:]
    pictures = [str(_picture(folder, sample)) for sample in samples]
    placed = ([1] * turns, [1, 0, 0], [2, 0, 0])[how]
    return Request(
        id=f"conversation-{number}",
        prompts=tuple(
            IMAGE_PLACEHOLDER * images + sample.question.prompt
            for images, sample in zip(placed, samples, strict=False)
        ),
        images=tuple(pictures[: sum(placed[:turns])]),
        system_prompt="Answer in one sentence." if number % 4 == 3 else "",
    )


def _picture(folder: Path, sample: SceneSample) -> Path:
    path = (folder / f"scene-{sample.scene_seed}.png").absolute()
    sample.draw().save(path)
    return path

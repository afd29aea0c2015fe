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
    """What all exports are asked, and the right answers by request, without surrounding blanks."""

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


def write_exam(folder: Path, count: int) -> Exam:
    """Draw test scenes, one question each, and put the pictures into a folder."""
    samples = evaluation_samples(count)
    requests = tuple(
        Request(
            id=f"scene-{sample.scene_seed}-{sample.question.kind}",
            prompts=(f"{IMAGE_PLACEHOLDER}{sample.question.prompt}",),
            images=(str(_picture(folder, sample)),),
        )
        for sample in samples
    )
    answers = [sample.question.answer for sample in samples]
    return Exam(requests, dict(zip((one.id for one in requests), answers, strict=True)))


def _picture(folder: Path, sample: SceneSample) -> Path:
    path = (folder / f"scene-{sample.scene_seed}.png").absolute()
    sample.draw().save(path)
    return path

"""Drawn scenes as both exporters calibrate on them and as the runner is asked about them."""

from __future__ import annotations

import json
from pathlib import Path

from harness.miniatures.scenes import Sample, calibration_samples, evaluation_samples
from harness.runtime.request import Request
from harness.vlm.prompt import IMAGE_PLACEHOLDER


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


def write_questions(folder: Path, count: int) -> tuple[Request, ...]:
    """Draw test scenes, one question each.

    Args:
        folder: Gets the pictures.
        count: Number of scenes.
    """
    return tuple(
        Request(
            id=f"scene-{sample.scene_seed}-{sample.question.kind}",
            prompts=(f"{IMAGE_PLACEHOLDER}{sample.question.prompt}",),
            images=(str(_picture(folder, sample)),),
        )
        for sample in evaluation_samples(count)
    )


def expected_answers(count: int) -> tuple[str, ...]:
    """Right answers to :func:`write_questions`, without surrounding blanks."""
    return tuple(sample.question.answer for sample in evaluation_samples(count))


def _picture(folder: Path, sample: Sample) -> Path:
    path = (folder / f"scene-{sample.scene_seed}.png").absolute()
    sample.draw().save(path)
    return path

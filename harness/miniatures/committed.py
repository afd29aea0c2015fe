"""What is committed of the miniatures: trained checkpoints, and a calibration set.

The set's scenes are in neither training nor tests.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from harness.errors import UserError
from harness.miniatures.scenes import SceneSample, calibration_samples

_ROOT = Path(__file__).parent / "checkpoints"


def checkpoint_path(name: str) -> Path:
    """Folder of a miniature's trained checkpoint, as ``from_pretrained`` reads it.

    Raises:
        UserError: If this installation has no checkpoint of that name.
    """
    folder = _ROOT / name
    if not (folder / "config.json").is_file():
        raise UserError(
            f"There is no trained miniature {name!r} in {_ROOT}; "
            f"train it with: python -m training train {name} --out {shlex.quote(str(folder))}"
        )
    return folder


CALIBRATION_SAMPLES = 48
"""Eight scenes for each kind of question."""

FILE_NAME = "samples.json"


def calibration_path() -> Path:
    """The committed set, in the format of ``--calibration``; it serves both miniatures."""
    return Path(__file__).parent / "calibration_set" / FILE_NAME


def write_calibration_set(folder: Path, count: int = CALIBRATION_SAMPLES) -> Path:
    """Draw the scenes and write them with their questions and answers.

    Args:
        folder: Made if it does not exist.
        count: Number of scenes.

    Returns:
        The file to give as ``--calibration``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        _write_sample(sample, folder, f"{index:03}.png")
        for index, sample in enumerate(calibration_samples(count))
    ]
    path = folder / FILE_NAME
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    return path


def _write_sample(sample: SceneSample, folder: Path, picture: str) -> dict[str, object]:
    sample.draw().save(folder / picture, optimize=True)
    question = sample.question
    return {
        "files": [picture],
        "messages": [
            {"role": "user", "content": question.prompt},
            {"role": "assistant", "content": question.answer},
        ],
    }

"""What people write to ask and to calibrate: requests and calibration samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from benchmarks.fuzz.kinds.file_kind import FileKind, Whole
from harness.export.calibration_file import load_calibration
from harness.picture_source import check_exists
from harness.runtime.request import read_requests

_PICTURE = "picture.png"

_REQUESTS = (
    {"id": "0", "prompts": ["What is it?", "And now?"], "images": [_PICTURE]},
    {"id": "b", "prompts": ["<image> or <image>?"], "images": [_PICTURE] * 2, "system_prompt": "x"},
    {"id": "c", "prompts": ["h\u00e9llo \u2028 \ud83d\ude00"]},
)

_SAMPLES = [
    {
        "files": [_PICTURE],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which?"}]},
            {"role": "assistant", "content": "A cat."},
        ],
    },
    {"files": [_PICTURE], "messages": [{"role": "user", "content": "<image>Where?"}]},
    {"messages": [{"role": "user", "content": "Why?"}]},
]


class QuestionFiles(FileKind):
    """One of each, about one picture."""

    name = "questions"

    def wholes(self, folder: Path) -> Sequence[Whole]:
        """A small example of each."""
        Image.radial_gradient("L").resize((48, 40)).convert("RGB").save(folder / _PICTURE)
        requests = "".join(f"{json.dumps(one)}\n" for one in _REQUESTS)
        samples = json.dumps(_SAMPLES, indent=1)
        return [
            Whole(folder / "requests.jsonl", requests.encode(), _read_requests),
            Whole(folder / "samples.json", samples.encode(), _read_samples),
        ]


def _read_requests(path: Path) -> object:
    requests = read_requests(path)
    for request in requests:
        for image in request.images:
            check_exists(image, path.parent)
    return requests


def _read_samples(path: Path) -> object:
    return load_calibration(path)

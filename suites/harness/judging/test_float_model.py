"""The float model answers as greedily as runners do, whatever its checkpoint asks for."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from harness.judging.float_model import FloatModel
from harness.judging.questions import PictureQuestion
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_spec


def test_settings_of_generation_change_no_answer(tmp_path: Path) -> None:
    spec, own = get_spec("tiny_smolvlm"), checkpoint_path("tiny_smolvlm")
    picture = tmp_path / "red.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    question = PictureQuestion("red", "colour", "What is this?", "", picture)
    answer = FloatModel(spec, own).answer(question, max_tokens=4)

    copy = tmp_path / "checkpoint"
    copy.mkdir()
    for file in own.iterdir():
        (copy / file.name).symlink_to(file)
    settings = json.loads((copy / "generation_config.json").read_text())
    settings |= {"suppress_tokens": list(answer), "repetition_penalty": 9.0, "num_beams": 2}
    (copy / "generation_config.json").unlink()
    (copy / "generation_config.json").write_text(json.dumps(settings))
    assert FloatModel(spec, copy).answer(question, max_tokens=4) == answer

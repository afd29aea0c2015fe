"""Calibration files: upstream's format, hashed with their pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.errors import UserError
from harness.export.inputs.calibration import calibration_sha256, load_calibration
from harness.vlm.registry import get_spec
from harness.vocabulary import Component

SAMPLE: dict[str, Any] = {
    "files": ["picture.png"],
    "messages": [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": "A square."},
    ],
}


def write(folder: Path, content: Any, colour: str = "red") -> Path:
    Image.new("RGB", (8, 8), colour).save(folder / "picture.png")
    path = folder / "calibration.json"
    path.write_text(json.dumps(content))
    return path


def test_pictures_are_found_beside_the_file(tmp_path: Path) -> None:
    loaded = load_calibration(write(tmp_path, [SAMPLE]))
    assert loaded.samples[0].files == (str(tmp_path / "picture.png"),)
    assert loaded.samples[0].messages[1].content == "A square."


def test_another_picture_or_text_is_another_calibration(tmp_path: Path) -> None:
    red = load_calibration(write(tmp_path, [SAMPLE])).sha256
    assert load_calibration(write(tmp_path, [SAMPLE])).sha256 == red
    assert load_calibration(write(tmp_path, [SAMPLE], "blue")).sha256 != red
    assert load_calibration(write(tmp_path, [SAMPLE, SAMPLE])).sha256 != red


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "holds no sample"),
        ({}, "the file"),
        ([SAMPLE | {"files": []}], r"0\.files"),
        ([SAMPLE | {"files": ["picture.png"] * 2}], r"0\.files"),
        ([SAMPLE | {"files": ["gone.png"]}], r"gone\.png, which does not exist"),
        ([SAMPLE | {"messages": [{"role": "robot", "content": ""}]}], r"0\.messages\.0\.role"),
        ([SAMPLE | {"extra": 1}], r"0\.extra"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_calibration(write(tmp_path, content))


def test_a_missing_file_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--calibration"):
        load_calibration(tmp_path / "none.json")


def reaching(component: Component, folder: Path, **changes: Any) -> str:
    """Hash of what reaches a component that is calibrated on one sample."""
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(changes.get("tokenizer", "{}"))
    spec = get_spec("tiny_smolvlm")
    family = replace(spec.family, **changes.get("family", {}))
    spec = replace(spec, family=family, vision=replace(spec.vision, **changes.get("vision", {})))
    loaded = load_calibration(write(folder, [SAMPLE], changes.get("colour", "red")))
    weights = changes.get("weights", ("a", "b", "c"))
    return calibration_sha256(loaded, component, spec, tokenizer, weights)


BOTH = {"vision_encoder", "text_decoder"}
FAMILY = get_spec("tiny_smolvlm").family


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({"colour": "blue"}, BOTH),
        ({"family": {"preprocessing": replace(FAMILY.preprocessing, std=(1.0, 1.0, 1.0))}}, BOTH),
        ({"family": {"prompt": replace(FAMILY.prompt, turn_suffix="\nA: ")}}, {"text_decoder"}),
        ({"vision": {"layer_norm_eps": 1e-3}}, {"text_decoder"}),
        ({"tokenizer": "{ }"}, {"text_decoder"}),
        ({"weights": ("a", "b", "d")}, {"text_decoder"}),
    ],
)
def test_what_calibration_sees_decides_its_hash(
    changes: dict[str, Any], reached: set[Component], tmp_path: Path
) -> None:
    components: tuple[Component, ...] = ("vision_encoder", "text_decoder")
    changed = {
        component
        for component in components
        if reaching(component, tmp_path, **changes) != reaching(component, tmp_path)
    }
    assert changed == reached

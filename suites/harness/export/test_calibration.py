"""Calibration files: upstream's format, hashed with their pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness import picture_source
from harness.errors import UserError
from harness.export.calibration_file import calibration_sha256, load_calibration, read_samples
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


def with_message(role: str, content: Any) -> dict[str, Any]:
    return {**SAMPLE, "messages": [*SAMPLE["messages"], {"role": role, "content": content}]}


IMAGE = {"type": "image"}
TEXT_ONLY = {"messages": [{"role": "user", "content": "Teach me."}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "holds no sample"),
        ({}, "as it should be: Input should be a valid"),
        ([SAMPLE, []], "sample 2, Input should be an object"),
        ([[SAMPLE]], "sample 1, Input should be an object"),
        ([TEXT_ONLY, TEXT_ONLY], "holds no sample with a picture"),
        ([SAMPLE | {"files": []}], "sample 1 of .*hold 1 <image> but 0 images"),
        ([SAMPLE | {"files": ["picture.png"] * 2}], "sample 1 of .*hold 1 <image> but 2 images"),
        ([SAMPLE | {"files": "picture.png"}], "sample 1, files: Input should be a valid"),
        ([SAMPLE | {"files": [["picture.png"]]}], r"sample 1, files\.0: Input should be a valid"),
        ([SAMPLE | {"files": ["gone.png"]}], r"gone\.png does not exist"),
        ([SAMPLE | {"files": ["a\0b.png"]}], "sample 1 of .*Image"),
        ([SAMPLE | {"files": ["a" * 5000]}], "sample 1 of .*Image"),
        ([SAMPLE, SAMPLE | {"files": ["calibration.json"]}], "sample 2 of .*no.* readable picture"),
        ([SAMPLE | {"files": ["data:image/png;base64,AAAA"]}], "sample 1 of .*a data: address"),
        ([with_message("robot", "")], r"sample 1, messages\.2\.role"),
        ([with_message("user", None)], r"sample 1, messages\.2\.content: Input should be a valid"),
        ([with_message("user", [[IMAGE]])], r"sample 1, messages\.2\.content\.0: Input should be"),
        ([with_message("user", [{"type": "video"}])], r"messages\.2\.content\.0\.type: .*'image'"),
        ([with_message("user", [{"type": "text"}])], r"content\.0: .*type text has no text"),
        ([with_message("system", [IMAGE])], "role system shows a picture"),
        ([with_message("assistant", [IMAGE])], "role assistant shows a picture"),
        ([with_message("assistant", "")], "role assistant says nothing"),
        ([SAMPLE | {"messages": []}], "sample 1, messages: "),
        ([SAMPLE | {"messages": SAMPLE["messages"][1:]}], "no message of a user begins"),
        ([{"files": ["picture.png"]}], "sample 1, messages: Field required"),
    ],
)
def test_what_is_wrong_is_named_with_its_number(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        load_calibration(write(tmp_path, content))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"messages": [], "messages": []}]', "'messages' twice"),
        ("[" * 100_000, "nested too deeply"),
        ("[1e999, NaN]", "NaN is no number"),
        ('[{"files": ["\\ud800"]}]', "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_what_two_readers_could_take_for_two_things_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        load_calibration(path)


def test_a_conversation_may_have_several_pictures_or_none(tmp_path: Path) -> None:
    two = {
        "files": ["picture.png", "picture.png"],
        "messages": [{"role": "user", "content": [IMAGE, {"type": "text", "text": "Now "}, IMAGE]}],
    }
    loaded = load_calibration(write(tmp_path, [two, TEXT_ONLY]))
    assert [len(sample.files) for sample in loaded.samples] == [2, 0]
    assert loaded.samples[0].prompts == ("<image>Now <image>",)


def test_further_keys_change_nothing(tmp_path: Path) -> None:
    """Of a sample, a message and a block, as chat templates of other tools take them."""
    plain = load_calibration(write(tmp_path, [SAMPLE]))
    user, assistant = SAMPLE["messages"]
    blocks = [{**block, "resized_height": 280} for block in user["content"]]
    messages = [{**user, "content": blocks, "name": "a"}, {**assistant, "weight": 0}]
    more = load_calibration(write(tmp_path, [{"id": 7, **SAMPLE, "messages": messages}]))
    assert more == plain


def test_pictures_count_by_their_bytes_wherever_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream's own file names addresses; a mirror of one makes no other artifact."""
    beside = load_calibration(write(tmp_path, [SAMPLE]))
    fetched: list[str] = []

    def fetch(url: str) -> Path:
        fetched.append(url)
        return tmp_path / "picture.png"

    monkeypatch.setattr(picture_source, "fetch", fetch)
    urls = ["https://example.org/a.jpg", "http://mirror.example.org/b.jpg"]
    for url in urls:
        path = write(tmp_path, [SAMPLE | {"files": [url]}])
        read_samples(path)
        assert load_calibration(path).sha256 == beside.sha256
    assert fetched == urls
    elsewhere = SAMPLE | {"files": [(tmp_path / "picture.png").as_uri()]}
    assert load_calibration(write(tmp_path, [elsewhere])).sha256 == beside.sha256


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

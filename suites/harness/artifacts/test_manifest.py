"""A manifest says what is there, all of it, and is refused by the field that is wrong."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import open_artifact
from harness.artifacts.manifest import MANIFEST_NAME
from harness.errors import UserError
from harness.vocabulary import COMPONENTS
from suites.harness.fixtures.conftest import hollow_artifact


def rewrite(folder: Path, **changes: Any) -> Path:
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return hollow_artifact(tmp_path / "artifact")


def test_every_component_has_its_file(folder: Path) -> None:
    artifact = open_artifact(folder)
    for component in COMPONENTS:
        assert artifact.path(component).stat().st_size == (
            artifact.manifest.component(component).pte_bytes
        )
    assert artifact.tokenizer_path.is_file()


@pytest.mark.parametrize("kept", [0, 2])
def test_a_component_that_is_not_listed_is_missed(folder: Path, kept: int) -> None:
    components = json.loads((folder / MANIFEST_NAME).read_text())["components"]
    with pytest.raises(UserError, match=r"wrong about components .*vision_encoder"):
        open_artifact(rewrite(folder, components=components[:kept]))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mode": "fast"}, "wrong about mode"),
        ({"context_length": "long"}, "wrong about context_length"),
        ({"colour": "red"}, "wrong about colour"),
    ],
)
def test_the_wrong_field_is_named(folder: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        open_artifact(rewrite(folder, **changes))


def with_component(folder: Path, **changes: Any) -> Path:
    components = json.loads((folder / MANIFEST_NAME).read_text())["components"]
    components[2].update(changes)
    return rewrite(folder, components=components)


@pytest.mark.parametrize(
    "name",
    [
        "../secret/text_decoder.pte",
        "/etc/passwd",
        "deeper/text_decoder.pte",
        "..\\\\text_decoder.pte",
        ".",
        "..",
        "",
        "a\0b",
        "a\nb",
        "a\x1b[2J",
        "a\u202eb",
        "\ud800.pte",
        "ä" * 128,
        "a" * 5000,
    ],
)
def test_a_file_is_named_without_a_path(folder: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"manifest\.json (is wrong about|cannot be read)"):
        open_artifact(with_component(folder, file=name))
    with pytest.raises(UserError, match=r"manifest\.json (is wrong about|cannot be read)"):
        open_artifact(rewrite(folder, tokenizer_files={"tokenizer.json": "0" * 64, name: "0" * 64}))


@pytest.mark.parametrize(
    "changes",
    [
        {"context_length": -5},
        {"context_length": 0},
        {"context_length": 10**12},
        {"context_length": True},
        {"context_length": "256"},
        {"prefill_ar": 0},
        {"image_size_px": -64},
        {"tokens_per_image": 1.5},
        {"model": "../../x"},
        {"model": "x" * 1000},
        {"soc": "\x1b[2J"},
        {"key": "a\u202eb"},
        {"versions": {"torch\n": "2"}},
        {"tokenizer_files": {}},
        {"tokenizer_files": {"tokenizer.json": "abc"}},
        {"tokenizer_files": {"chat_template.jinja": "0" * 64}},
    ],
)
def test_a_value_has_its_type_and_range(folder: Path, changes: dict[str, Any]) -> None:
    (field,) = changes
    with pytest.raises(UserError, match=f"wrong about {field}"):
        open_artifact(rewrite(folder, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 63},
        {"pte_bytes": -1},
        {"pte_bytes": 2**70},
        {"export_s": -1.0},
        {"file": "vision_encoder.pte"},
    ],
)
def test_a_component_has_values_and_a_file_of_its_own(
    folder: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=r"wrong about components|pte instead of"):
        open_artifact(with_component(folder, **changes))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"schema_version": 1, "schema_version": 1}',
        '{"schema_version": NaN}',
        '{"schema_version": ' + "9" * 5000 + "}",
        '{"soc": "\\ud800"}',
    ],
)
def test_what_is_no_plain_json_is_one_sentence(folder: Path, text: str) -> None:
    (folder / MANIFEST_NAME).write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json cannot be read \("):
        open_artifact(folder)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def link_that_leaves(path: Path) -> None:
    outside = path.parent.parent / f"outside-{path.name}"
    shutil.move(path, outside)
    path.symlink_to(outside)


@pytest.mark.parametrize("file", ["text_decoder.pte", "tokenizer.json", MANIFEST_NAME])
@pytest.mark.parametrize("replace", [pipe, folder_instead, device])
def test_no_file_is_a_pipe_a_folder_or_a_device(
    folder: Path, file: str, replace: Callable[[Path], None]
) -> None:
    replace(folder / file)
    with pytest.raises(UserError, match=rf"{file} (is|cannot be read \(it is) no regular file"):
        open_artifact(folder)


@pytest.mark.parametrize("file", ["text_decoder.pte", "tokenizer.json"])
def test_no_link_leads_out_of_the_folder(folder: Path, file: str) -> None:
    link_that_leaves(folder / file)
    with pytest.raises(UserError, match=rf"{file} leads out of its folder, to .*cp -rL"):
        open_artifact(folder)


def test_links_within_the_folder_and_to_the_folder_are_followed(folder: Path) -> None:
    (folder / "text_decoder.pte").rename(folder / "real.pte")
    (folder / "text_decoder.pte").symlink_to("real.pte")
    (folder.parent / "named").symlink_to(folder)
    open_artifact(folder.parent / "named")


def test_a_name_in_other_case_is_pointed_at(folder: Path) -> None:
    (folder / "text_decoder.pte").rename(folder / "Text_Decoder.pte")
    with pytest.raises(UserError, match=r"lacks text_decoder\.pte, and has Text_Decoder\.pte"):
        open_artifact(folder)


def test_another_schema_is_told_before_its_fields(folder: Path) -> None:
    with pytest.raises(UserError, match="has schema 2, this version reads 1"):
        open_artifact(rewrite(folder, schema_version=2, field_of_the_future=True))


def test_a_list_is_no_manifest(folder: Path) -> None:
    (folder / MANIFEST_NAME).write_text("[]")
    with pytest.raises(UserError, match="wrong about the whole"):
        open_artifact(folder)

"""A manifest says what is there, all of it, and is refused by the field that is wrong."""

from __future__ import annotations

import json
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


def test_another_schema_is_told_before_its_fields(folder: Path) -> None:
    with pytest.raises(UserError, match="has schema 2, this version reads 1"):
        open_artifact(rewrite(folder, schema_version=2, field_of_the_future=True))


def test_a_list_is_no_manifest(folder: Path) -> None:
    (folder / MANIFEST_NAME).write_text("[]")
    with pytest.raises(UserError, match="wrong about the whole"):
        open_artifact(folder)

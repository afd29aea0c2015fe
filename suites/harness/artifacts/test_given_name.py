"""Names of artifacts: which words may be one, and what they stand for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.artifacts.given_name import check_name, give_name, named_artifact
from harness.errors import UserError


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with two artifacts."""
    for folder in ("one-xnnpack-hybrid-0123456789ab", "two-xnnpack-hybrid-ba9876543210"):
        (tmp_path / "artifacts" / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("name", ["before-fix", "v1.2", "A", "_", "0-a", "z" * 64])
def test_a_word_of_a_files_name_is_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        *((name, "cannot name an artifact") for name in ("", " ", "a b", "a/b", "/", "..", ".a")),
        *((name, "cannot name an artifact") for name in ("-a", "höher", "a\n", "a\0", "a" * 65)),
        ("0123456789ab", "would be taken for a key; .*, for instance fix-0123456789ab"),
        ("facade", "would be taken for a key"),
        ("latest-green", "would be taken for a run"),
    ],
)
def test_what_means_something_else_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_name(name)


def test_a_name_is_found_and_its_folder_stays_what_it_is(cache: Path) -> None:
    one, two = sorted((cache / "artifacts").iterdir())
    assert give_name(one, "before-fix") is None
    assert give_name(one, "before-fix") is None
    found = named_artifact("before-fix", cache)
    assert found is not None
    assert found.name == "before-fix"
    assert found.samefile(one)
    assert named_artifact(two.name, cache) == two
    assert named_artifact("after-fix", cache) is None
    assert named_artifact("..", cache) is None


def test_a_name_moves_to_what_was_exported_last(cache: Path) -> None:
    one, two = sorted((cache / "artifacts").iterdir())
    give_name(one, "mine")
    assert give_name(two, "mine") == one.name
    found = named_artifact("mine", cache)
    assert found is not None
    assert found.samefile(two)
    assert sorted(os.listdir(cache / "artifacts")) == ["mine", one.name, two.name]


def test_the_folder_of_an_artifact_is_no_name(cache: Path) -> None:
    one, two = sorted((cache / "artifacts").iterdir())
    with pytest.raises(UserError, match="is the folder of another artifact"):
        give_name(one, two.name)


def test_a_name_whose_artifact_is_gone_says_so(cache: Path) -> None:
    one, _ = sorted((cache / "artifacts").iterdir())
    give_name(one, "mine")
    one.rmdir()
    with pytest.raises(UserError, match=f"mine stands for the artifact {one.name}.*--name mine"):
        named_artifact("mine", cache)

"""Artifact folders: put together once, never half, with nothing left lying about."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.errors import UserError
from harness.export.assembly import artifact_folder_name, assemble
from harness.export.cache import CachedComponent
from suites.harness.fixtures.conftest import hollow_artifact


@pytest.fixture
def source(tmp_path: Path) -> Artifact:
    """Where components and tokenizer are taken from."""
    return open_artifact(hollow_artifact(tmp_path / "source"))


def put_together(root: Path, source: Artifact) -> Artifact:
    components = [
        CachedComponent(source.directory, file, reused=True) for file in source.manifest.components
    ]
    return assemble(root, source.manifest, components, [source.tokenizer_path])


def folders(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if path.is_dir()]


def test_an_artifact_is_put_together_once(tmp_path: Path, source: Artifact) -> None:
    first = put_together(tmp_path / "artifacts", source)
    created = first.directory.stat().st_ino
    assert put_together(tmp_path / "artifacts", source).directory.stat().st_ino == created
    assert folders(tmp_path / "artifacts") == [artifact_folder_name(source.manifest)]


@pytest.mark.parametrize("broken", ["tokenizer.json", "manifest.json", "text_decoder.pte"])
def test_a_broken_artifact_is_replaced(tmp_path: Path, source: Artifact, broken: str) -> None:
    (put_together(tmp_path / "artifacts", source).directory / broken).unlink()
    open_artifact(put_together(tmp_path / "artifacts", source).directory)
    assert folders(tmp_path / "artifacts") == [artifact_folder_name(source.manifest)]


def test_leftovers_of_dead_assemblies_are_cleared_away(tmp_path: Path, source: Artifact) -> None:
    name = artifact_folder_name(source.manifest)
    (tmp_path / "artifacts" / f".{name}-0123abcd").mkdir(parents=True)
    (tmp_path / "artifacts" / ".another-0123abcd").mkdir()
    put_together(tmp_path / "artifacts", source)
    assert sorted(folders(tmp_path / "artifacts")) == [".another-0123abcd", name]


def _assemble(root: Path, source: Artifact) -> None:
    open_artifact(put_together(root, source).directory)


def test_many_at_once_get_the_same_artifact(tmp_path: Path, source: Artifact) -> None:
    context = multiprocessing.get_context("fork")
    root = tmp_path / "artifacts"
    workers = [context.Process(target=_assemble, args=(root, source)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    assert folders(root) == [artifact_folder_name(source.manifest)]


def test_a_folder_that_cannot_be_written_names_the_option(tmp_path: Path, source: Artifact) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--artifacts"):
        put_together(tmp_path / "file" / "artifacts", source)

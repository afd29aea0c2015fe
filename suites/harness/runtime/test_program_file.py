"""Anything but a whole ``.pte`` file is one sentence, before ExecuTorch could abort on it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.errors import UserError
from harness.runtime.program import Program
from harness.runtime.program_file import check_program_file


def test_an_exported_file_passes(artifact: Artifact) -> None:
    check_program_file(artifact.path("text_decoder"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no ExecuTorch program"),
        (b"\x00\x00\x00\x00ET", "no ExecuTorch program"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no ExecuTorch program .*PNG"),
        (b"\x10\x00\x00\x00ET\xff\xfe" + bytes(100), "no ExecuTorch program"),
        (os.urandom(4) + b"\xb5" * 5000, "no ExecuTorch program"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "decoder.pte"
    path.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        Program(path)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_truncated_file_is_told_by_its_missing_bytes(
    artifact: Artifact, tmp_path: Path, share: float
) -> None:
    whole = artifact.path("text_decoder").read_bytes()
    path = tmp_path / "decoder.pte"
    path.write_bytes(whole[: int(len(whole) * share)])
    sentence = rf"truncated: it has {int(len(whole) * share)} of \d+ bytes"
    with pytest.raises(UserError, match=sentence):
        Program(path)


def test_a_damaged_file_is_refused_with_executorchs_reason(
    artifact: Artifact, tmp_path: Path
) -> None:
    whole = artifact.path("text_decoder").read_bytes()
    path = tmp_path / "decoder.pte"
    path.write_bytes(whole[:64] + os.urandom(20_000) + whole[20_064:])
    with pytest.raises(UserError, match=r"decoder\.pte cannot be loaded \(.*(corrupt|program)"):
        Program(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        Program(tmp_path / "decoder.pte")
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        Program(tmp_path)


def test_paths_may_hold_any_characters(artifact: Artifact, tmp_path: Path) -> None:
    path = tmp_path / "модель 日本 é.pte"
    shutil.copy(artifact.path("token_embedding"), path)
    program = Program(path)
    assert program.method("tok_embedding_kv_forward").inputs[0].shape == (1, 1)

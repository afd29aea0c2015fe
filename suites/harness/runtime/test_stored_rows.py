"""Rows of a token embedding are looked at where they lie, said or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.artifacts.artifact import Artifact
from harness.errors import UserError
from harness.runtime.pre_generated import open_pre_generated
from harness.runtime.stored_rows import check_stored_rows, constant_place
from suites.harness.fixtures.conftest import hollow_artifact


@pytest.fixture
def table(random_smolvlm: Artifact, tmp_path: Path) -> Path:
    """A real token embedding, to be changed."""
    path = tmp_path / "tok_embedding_xnnpack.pte"
    path.write_bytes(random_smolvlm.path("token_embedding").read_bytes())
    check_stored_rows(path)
    return path


def put(path: Path, row: int, column: int, value: float) -> None:
    content = bytearray(path.read_bytes())
    start = constant_place(bytes(content), 1) + 4 * (row * 96 + column)
    content[start : start + 4] = np.float32(value).tobytes()
    path.write_bytes(content)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (256, 3), (511, 95)])
def test_a_row_that_is_no_numbers_is_named_though_nobody_says_its_token(
    table: Path, row: int, column: int, value: float
) -> None:
    put(table, row, column, value)
    with pytest.raises(UserError) as refusal:
        check_stored_rows(table)
    assert f"in row {row}, column {column} ({value}), so that token {row}" in str(refusal.value)


def test_a_constant_beyond_the_file_is_damage(table: Path) -> None:
    content = table.read_bytes()
    table.write_bytes(content[: constant_place(content, 1) + 1000])
    with pytest.raises(UserError, match="is damaged: where it keeps its constants"):
        check_stored_rows(table)


def test_a_file_that_keeps_no_floats_tells_nothing(tmp_path: Path) -> None:
    """Of the HTP, or quantized."""
    folder = hollow_artifact(tmp_path / "artifact")
    check_stored_rows(folder / "token_embedding.pte")


def test_a_session_takes_no_such_files(random_smolvlm: Artifact, tmp_path: Path) -> None:
    for path in random_smolvlm.directory.iterdir():
        if path.name != "manifest.json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    put(tmp_path / "tok_embedding_xnnpack.pte", 300, 0, np.nan)
    with pytest.raises(UserError, match="no finite number in row 300"):
        open_pre_generated(tmp_path)

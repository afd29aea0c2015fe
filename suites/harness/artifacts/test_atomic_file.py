"""A file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.artifacts.atomic_file import replacing


def test_the_file_takes_the_old_ones_place(tmp_path: Path) -> None:
    path = tmp_path / "outputs.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def write_half(path: Path, error: type[BaseException]) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_nothing_behind(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "outputs.txt"
    with pytest.raises(error):
        write_half(path, error)
    assert list(tmp_path.iterdir()) == []

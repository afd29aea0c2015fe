"""sha256 of local files, remembered."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from harness.devices.phone.files.local_digests import LocalDigests


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def an_hour_later() -> float:
    return time.time() + 3600


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.pte"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "digests.json"


def test_a_remembered_file_is_not_read_again(file: Path, memory: Path) -> None:
    LocalDigests(memory, an_hour_later).of(file)
    remembered = json.loads(memory.read_text())
    memory.write_text(json.dumps(dict.fromkeys(remembered, "what was remembered")))

    assert LocalDigests(memory).of(file) == "what was remembered"


def test_content_of_the_same_size_and_time_is_still_told_apart(file: Path, memory: Path) -> None:
    LocalDigests(memory, an_hour_later).of(file)
    status = file.stat()
    file.write_bytes(b"WEIGHTS")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert LocalDigests(memory, an_hour_later).of(file) == sha256(b"WEIGHTS")


def test_a_file_that_was_just_written_is_not_remembered(file: Path, memory: Path) -> None:
    assert LocalDigests(memory).of(file) == sha256(b"weights")
    assert not memory.exists()


@pytest.mark.parametrize("damage", ["", "[1]", "{"])
def test_a_damaged_memory_is_an_empty_one(file: Path, memory: Path, damage: str) -> None:
    memory.parent.mkdir()
    memory.write_text(damage)

    assert LocalDigests(memory, an_hour_later).of(file) == sha256(b"weights")


def test_nothing_needs_to_be_remembered(file: Path) -> None:
    assert LocalDigests(None).of(file) == sha256(b"weights")

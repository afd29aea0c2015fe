"""What a new process can have is what the narrowest limit above it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.machine_memory import memory_room

MIB = 1 << 20


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    """Where control groups are mounted."""
    return tmp_path / "cgroup"


def group(folder: Path, limit: str, used: int, files: int = 0, kills: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {files}\n")
    (folder / "memory.events").write_text(f"low 0\noom 1\noom_kill {kills}\n")


def own(tmp_path: Path, text: str = "0::/ci.slice/job\n") -> Path:
    path = tmp_path / "own"
    path.write_text(text)
    return path


def test_the_narrowest_limit_holds_and_cached_files_are_given_up(
    groups: Path, tmp_path: Path
) -> None:
    group(groups / "ci.slice", str(64 * MIB), used=60 * MIB, files=20 * MIB, kills=3)
    group(groups / "ci.slice" / "job", "max", used=50 * MIB)
    room = memory_room(groups, own(tmp_path))
    assert (room.available_bytes, room.limit_bytes, room.kills) == (24 * MIB, 64 * MIB, 3)
    assert "0.0 GiB were available within the 0.1 GiB that this container" in room.described


def test_a_limit_that_is_used_up_leaves_nothing(groups: Path, tmp_path: Path) -> None:
    group(groups / "ci.slice" / "job", str(MIB), used=2 * MIB)
    assert memory_room(groups, own(tmp_path)).available_bytes == 0


def test_older_groups_are_read_as_well(groups: Path, tmp_path: Path) -> None:
    folder = groups / "memory" / "docker"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text(str(3 * MIB))
    (folder / "memory.usage_in_bytes").write_text(str(MIB))
    text = "7:cpu,cpuacct:/docker\n4:memory:/docker\n"
    assert memory_room(groups, own(tmp_path, text)).available_bytes == 2 * MIB


@pytest.mark.parametrize("text", ["0::/\n", "", "4:memory:/\n"])
def test_without_a_limit_the_machine_decides(groups: Path, tmp_path: Path, text: str) -> None:
    room = memory_room(groups, own(tmp_path, text))
    assert room.limit_bytes is None
    assert room.available_bytes > MIB
    assert room.described.endswith("GiB were available")


def test_a_machine_without_groups_has_none(tmp_path: Path) -> None:
    assert memory_room(tmp_path / "none", tmp_path / "gone").limit_bytes is None

"""A process computes on no more processors than it is given the time of."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import processors
from harness.processors import usable_processors


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever machine this is."""
    monkeypatch.setattr(processors, "allowed_processors", lambda: 8)


def own(tmp_path: Path, text: str = "0::/ci.slice/job\n") -> Path:
    path = tmp_path / "own"
    path.write_text(text)
    return path


def newer(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.max").write_text(text)


@pytest.mark.parametrize(
    ("outer", "inner", "usable"),
    [
        ("max 100000", "200000 100000", 2),
        ("150000 100000", "400000 100000", 2),
        ("max 100000", "10000 100000", 1),
        ("max 100000", "6400000 100000", 8),
        ("max 100000", "max 100000", 8),
        ("max 100000", "not a number", 8),
        ("max 100000", "200000 0", 8),
    ],
)
def test_the_narrowest_share_of_time_holds(
    tmp_path: Path, outer: str, inner: str, usable: int
) -> None:
    newer(tmp_path / "cgroup" / "ci.slice", outer)
    newer(tmp_path / "cgroup" / "ci.slice" / "job", inner)
    assert usable_processors(tmp_path / "cgroup", own(tmp_path)) == usable


@pytest.mark.parametrize(("quota", "usable"), [("300000", 3), ("-1", 8)])
def test_older_groups_are_read_as_well(tmp_path: Path, quota: str, usable: int) -> None:
    folder = tmp_path / "cgroup" / "cpu" / "docker"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(quota)
    (folder / "cpu.cfs_period_us").write_text("100000")
    text = "7:cpu,cpuacct:/docker\n4:memory:/docker\n"
    assert usable_processors(tmp_path / "cgroup", own(tmp_path, text)) == usable


def test_a_machine_without_groups_gives_all(tmp_path: Path) -> None:
    assert usable_processors(tmp_path / "none", tmp_path / "gone") == 8

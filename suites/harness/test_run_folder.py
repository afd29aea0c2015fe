"""A run leaves nothing behind, however its session ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.run_folder import remove_abandoned, run_folder

HOLD = """
import sys, pathlib
from harness.run_folder import run_folder
with run_folder(pathlib.Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_lives_as_long_as_its_run(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder, run_folder(tmp_path) as other:
        remove_abandoned(tmp_path)
        assert folder.is_dir()
        assert other.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_folder(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdout is not None
        left = Path(session.stdout.readline().strip())
        remove_abandoned(tmp_path)
        assert left.is_dir()
        os.kill(session.pid, signal.SIGKILL)
    assert left.is_dir()
    with run_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_foreign_folders_stay(tmp_path: Path) -> None:
    (tmp_path / "snapgate-run-without-a-lock").mkdir()
    (tmp_path / "something-else").mkdir()
    (tmp_path / "something-else" / "owner.lock").touch()
    remove_abandoned(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_only_called_as_a_run_folder_stays(tmp_path: Path) -> None:
    """Nothing is opened behind a link, and a FIFO does not hold the session up."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "owner.lock").write_text("kept")
    (tmp_path / "snapgate-run-linked").symlink_to(precious)
    for name in ("fifo", "link", "folder"):
        (tmp_path / f"snapgate-run-{name}").mkdir()
    os.mkfifo(tmp_path / "snapgate-run-fifo" / "owner.lock")
    (tmp_path / "snapgate-run-link" / "owner.lock").symlink_to(precious / "owner.lock")
    (tmp_path / "snapgate-run-folder" / "owner.lock").mkdir()
    there = set(tmp_path.rglob("*"))
    remove_abandoned(tmp_path)
    assert set(tmp_path.rglob("*")) == there
    assert (precious / "owner.lock").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_stays(tmp_path: Path) -> None:
    folder = tmp_path / "snapgate-run-theirs"
    folder.mkdir()
    (folder / "owner.lock").touch()
    os.chown(folder, 65534, 65534)
    remove_abandoned(tmp_path)
    assert folder.exists()

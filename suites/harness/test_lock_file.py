"""A lock file is a regular file; whatever else lies there is named and left as it is."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from harness.lock_file import NoLockFile, check_lock_file, open_lock_file


def _link(path: Path) -> str:
    path.symlink_to("/etc/passwd")
    return "a symbolic link"


def _link_to_nothing(path: Path) -> str:
    path.symlink_to(path.parent / "absent")
    return "a symbolic link"


def _fifo(path: Path) -> str:
    os.mkfifo(path)
    return "a FIFO"


def _folder(path: Path) -> str:
    path.mkdir()
    return "a folder"


def _socket(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(path.parent, os.O_RDONLY)
        # Addresses of sockets are short, names of folders of tests are not.
        listening.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)
    return "a socket"


PUT_THERE: Mapping[str, Callable[[Path], str]] = {
    "link": _link,
    "link to nothing": _link_to_nothing,
    "FIFO": _fifo,
    "folder": _folder,
    "socket": _socket,
}
"""Puts something in a lock's place, and says what the sentence must call it."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("put", PUT_THERE)
def test_what_is_no_regular_file_is_named(tmp_path: Path, folder: int, put: str) -> None:
    path = tmp_path / "a b.lock"
    kind = PUT_THERE[put](path)
    before = path.lstat()
    for refuse in (lambda: check_lock_file(path), lambda: open_lock_file(folder, path)):
        with pytest.raises(NoLockFile, match=f"is {kind} where a lock file belongs") as refused:
            refuse()
        assert f"ls -ld '{path}'" in str(refused.value)
    assert path.lstat() == before
    assert not (tmp_path / "absent").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_named(tmp_path: Path, folder: int) -> None:
    path = tmp_path / "tape.lock"
    try:
        os.mknod(path, 0o20666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this machine lets nobody make devices")
    with pytest.raises(NoLockFile, match="is a device"):
        open_lock_file(folder, path)


def test_a_lock_file_is_made_for_everybody_and_then_used_as_it_is(
    tmp_path: Path, folder: int
) -> None:
    path = tmp_path / "one.lock"
    check_lock_file(path)
    umask = os.umask(0o077)
    try:
        first = open_lock_file(folder, path)
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666
    path.chmod(0o600)
    second = open_lock_file(folder, path)
    assert path.stat().st_mode & 0o777 == 0o600
    fcntl.flock(first, fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(first)
    os.close(second)

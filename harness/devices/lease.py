"""A machine-wide lease, so that measurements have the machine to themselves."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

Share = Literal["shared", "exclusive"]


def lease_folder() -> Path:
    """The one folder that all users of this machine share."""
    return Path(gettempdir()) / "snapgate-lease"


@contextmanager
def machine_lease(folder: Path, share: Share) -> Iterator[None]:
    """Hold the machine, together with other work or alone.

    Two lock files, both freed by the kernel when a process dies however it dies. Whoever wants the
    machine passes the turnstile first and holds it while waiting, so that a steady stream of
    shared work cannot keep an exclusive holder out.

    Args:
        folder: The same for all processes of a machine; made when missing.
        share: ``exclusive`` for performance measurements, ``shared`` for all other work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _open_to_everybody(folder, 0o777)
    operation = fcntl.LOCK_EX if share == "exclusive" else fcntl.LOCK_SH
    with _open(folder / "machine.lock") as machine:
        with _open(folder / "turnstile.lock") as turnstile:
            fcntl.flock(turnstile, fcntl.LOCK_EX)
            fcntl.flock(machine, operation)
        yield


@contextmanager
def _open(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    _open_to_everybody(path, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_to_everybody(path: Path, mode: int) -> None:
    """Undo the umask; only the owner, who made the path, can and must."""
    with suppress(PermissionError):
        path.chmod(mode)

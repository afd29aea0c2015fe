"""A machine-wide lease, so that measurements have the machine to themselves."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from harness.errors import UserError

LeaseKind = Literal["shared", "exclusive"]

LEASE_DIR_VARIABLE = "SNAPGATE_LEASE_DIR"

_MACHINE, _TURNSTILE = "machine.lock", "turnstile.lock"


def lease_folder() -> Path:
    """The one folder that all users of this machine share.

    It does not follow ``TMPDIR``, which differs from user to user. The environment variable
    ``SNAPGATE_LEASE_DIR`` names another folder: for machines without a writable ``/tmp``, and for
    a session that is started by a test of another session, which would wait for itself.
    """
    if given := os.environ.get(LEASE_DIR_VARIABLE):
        return Path(given).absolute()
    shared = Path("/tmp")
    return (shared if shared.is_dir() else Path(gettempdir())) / "snapgate-lease"


@contextmanager
def machine_lease(
    folder: Path, share: LeaseKind, on_wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the machine, together with other work or alone.

    Two lock files, both freed by the kernel when a process dies however it dies. Whoever wants the
    machine passes the turnstile first and holds it while waiting, so that a steady stream of
    shared work cannot keep an exclusive holder out.

    Args:
        folder: Folder of locks, the same for all processes of a machine; made when missing.
        share: ``exclusive`` for performance measurements, ``shared`` for all other work.
        on_wait: Called once if the machine is not to be had at once.

    Raises:
        UserError: If the folder or a file in it cannot be opened, or is a symbolic link.
    """
    operation = fcntl.LOCK_EX if share == "exclusive" else fcntl.LOCK_SH
    with open_lock(folder, _MACHINE) as machine:
        with open_lock(folder, _TURNSTILE) as turnstile:
            locks = ((turnstile, fcntl.LOCK_EX), (machine, operation))
            if not all(_is_taken_at_once(lock, how) for lock, how in locks):
                on_wait()
                for lock, how in locks:
                    fcntl.flock(lock, how)
        yield


def _is_taken_at_once(lock: int, operation: int) -> bool:
    try:
        fcntl.flock(lock, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_lease(folder: Path) -> None:
    """Find out whether the lease can be taken at all, without waiting for it.

    Raises:
        UserError: As ``machine_lease``.
    """
    for name in (_MACHINE, _TURNSTILE):
        with open_lock(folder, name):
            pass


@contextmanager
def open_lock(folder: Path, name: str) -> Iterator[int]:
    """Open a lock file that all users of this machine share.

    Args:
        folder: As ``lease_folder`` returns it; made when missing.
        name: Name of the file.

    Yields:
        A file descriptor, for ``fcntl.flock``.

    Raises:
        UserError: If the folder or the file cannot be opened, or is a symbolic link.
    """
    try:
        descriptor = _descriptor(folder, name)
    except OSError as error:
        raise UserError(
            f"The lease {folder / name} cannot be opened ({error.strerror}); remove {folder}, or "
            f"name a folder that all users of this machine can write to with {LEASE_DIR_VARIABLE}."
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _descriptor(folder: Path, name: str) -> int:
    """Open a lock file, in a folder where everybody may add files but nobody remove another's."""
    folder.mkdir(parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _open_to_everybody(place, 0o1777)
        return _descriptor_in(place, name)
    finally:
        os.close(place)


def _descriptor_in(place: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=place)
    except FileNotFoundError:
        # Kernels refuse O_CREAT on another user's file in a sticky folder (fs.protected_regular).
        descriptor = os.open(name, flags | os.O_CREAT, 0o666, dir_fd=place)
        _open_to_everybody(descriptor, 0o666)
        return descriptor


def _open_to_everybody(descriptor: int, mode: int) -> None:
    """Undo the umask; only the owner, who made the path, can and must."""
    if os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, mode)

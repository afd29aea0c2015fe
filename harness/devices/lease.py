"""A machine-wide lease, so that measurements have the machine to themselves."""

from __future__ import annotations

import fcntl
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from harness.errors import UserError
from harness.lock_file import NoLockFile, open_lock_file

LeaseKind = Literal["shared", "exclusive"]

LEASE_DIR_VARIABLE = "SNAPGATE_LEASE_DIR"

_MACHINE, _TURNSTILE = "machine.lock", "turnstile.lock"
_STICKY_FOR_ALL = 0o1777


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
        UserError: If the folder or a file in it cannot be opened, is a link or whatever else
            somebody put there, or everybody may replace it.
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
        UserError: If the folder or the file cannot be opened, is a link or whatever else somebody
            put there, or everybody may replace it.
    """
    try:
        descriptor = _descriptor(folder, name)
    except NoLockFile as fault:
        raise _refused(folder / name, f"it is {fault.kind} that something else made") from fault
    except OSError as error:
        raise _refused(folder / name, error.strerror or str(error)) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refused(path: Path, why: str) -> UserError:
    return UserError(
        f"The lease {path} cannot be opened ({why}); remove {path.parent}, or name a folder that "
        f"all users of this machine can write to with {LEASE_DIR_VARIABLE}."
    )


def _descriptor(folder: Path, name: str) -> int:
    """Open a lock file, in a folder where everybody may add files but nobody remove another's."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir()
        # Undoes the umask, and only of what is new: a folder may be anybody's.
        os.chmod(folder, _STICKY_FOR_ALL)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = os.fstat(place).st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            keep = f"chmod +t {shlex.quote(str(folder))}"
            raise _refused(folder / name, f"everybody may replace it there; to end that: {keep}")
        return open_lock_file(place, folder / name)
    finally:
        os.close(place)

"""Files to a phone: whole and verified, or not at all, and only those that are not there yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from harness.devices.adb.files.local_digests import LocalDigests
from harness.devices.adb.files.push_order import (
    FileToPush,
    HashedFile,
    Progress,
    Pushed,
    PushLimits,
)
from harness.devices.adb.files.storage import (
    NotEnoughSpace,
    free_bytes,
    remote_digests,
    remote_sizes,
)
from harness.devices.adb.files.transfer import FileTransfer
from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.retrying import retrying

_RESERVE_BYTES = 64 << 20
"""Left free, for what a run writes and for a piece of a file that was cut."""


def _ignore(progress: Progress) -> None:
    """Tell nobody."""


def push_files(
    phone: AdbPhone,
    files: Sequence[FileToPush],
    digests: LocalDigests,
    limits: PushLimits | None = None,
    on_progress: Callable[[Progress], None] = _ignore,
) -> tuple[Pushed, ...]:
    """Bring files to a phone, in order.

    Each grows in a part file beside its place, is hashed there by the phone, and takes its place
    when the hash is right. What is there already is hashed and not sent again.

    Args:
        phone: Where to.
        files: Each with a place of its own.
        digests: Knows the hashes of local files.
        limits: When to give up.
        on_progress: Told after each MiB or so.

    Raises:
        NotEnoughSpace: If they do not fit; nothing has been sent then.
        PhoneRefused: With the phone's own words.
        CorruptedOnTheWay: If a file arrives with another hash time and again.
        DeadlineExceeded: If the phone stays away, or the total time is over.
        OSError: If a local file cannot be read.
        UserError: If a local file shrinks meanwhile.
    """
    limits = limits or PushLimits()
    retry = retrying(phone, limits.total_s, limits.retry_limits)
    hashed = [_hashed(file, digests) for file in files]
    there = retry.until_done(lambda: _already_there(phone, hashed))
    missing = [file for file in hashed if file not in there]
    retry.until_done(lambda: _check_space(phone, missing))
    pushed: list[Pushed] = []
    for file in hashed:
        bytes_sent = 0
        if file in missing:
            bytes_sent = FileTransfer(phone, file, retry, limits, on_progress).bring()
        drops = retry.drops - sum(earlier.drops for earlier in pushed)
        pushed.append(Pushed(file.file.remote, file.sha256, file.size_bytes, bytes_sent, drops))
    return tuple(pushed)


def push_file(
    phone: AdbPhone,
    file: FileToPush,
    digests: LocalDigests,
    limits: PushLimits | None = None,
    on_progress: Callable[[Progress], None] = _ignore,
) -> Pushed:
    """Bring one file to a phone, as ``push_files`` does.

    Raises:
        NotEnoughSpace, PhoneRefused, CorruptedOnTheWay, DeadlineExceeded, OSError, UserError: As
            ``push_files``.
    """
    (pushed,) = push_files(phone, [file], digests, limits, on_progress)
    return pushed


def _hashed(file: FileToPush, digests: LocalDigests) -> HashedFile:
    return HashedFile(file, file.local.stat().st_size, digests.of(file.local))


def _already_there(phone: AdbPhone, files: Sequence[HashedFile]) -> set[HashedFile]:
    """Which files are in their places, by size and hash."""
    sizes = remote_sizes(phone, [file.file.remote for file in files])
    same_size = {
        file.file.remote: file.size_bytes
        for file in files
        if sizes[file.file.remote] == file.size_bytes
    }
    hashes = remote_digests(phone, same_size)
    return {file for file in files if hashes.get(file.file.remote) == file.sha256}


def _check_space(phone: AdbPhone, missing: Sequence[HashedFile]) -> None:
    """Find out before sending whether all that is missing fits.

    A file that is replaced keeps its space until the new one takes its place.
    """
    kept = remote_sizes(phone, [file.part for file in missing])
    needed = Counter[str]()
    for file in missing:
        folder = str(PurePosixPath(file.file.remote).parent)
        needed[folder] += file.size_bytes - (kept[file.part] or 0)
    # Folders of a phone that models go to are on one file system, its data partition.
    for folder in needed:
        free = free_bytes(phone, folder)
        if free < needed.total() + _RESERVE_BYTES:
            raise NotEnoughSpace(folder, needed.total() + _RESERVE_BYTES, free)

"""Files to a phone: whole and verified, or not at all, and only those that are not there yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.endurance import holding_on
from harness.devices.adb.file_transfer import FileTransfer
from harness.devices.adb.local_digests import LocalDigests
from harness.devices.adb.push_order import Cargo, FileToPush, Progress, Pushed, PushLimits
from harness.devices.adb.storage import NotEnoughSpace, free_bytes, remote_digests, remote_sizes

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
    persistence = holding_on(phone, limits.total_s, limits.endurance)
    cargoes = [_cargo(file, digests) for file in files]
    there = persistence.until_done(lambda: _already_there(phone, cargoes))
    missing = [cargo for cargo in cargoes if cargo not in there]
    persistence.until_done(lambda: _check_space(phone, missing))
    pushed: list[Pushed] = []
    for cargo in cargoes:
        bytes_sent = 0
        if cargo in missing:
            bytes_sent = FileTransfer(phone, cargo, persistence, limits, on_progress).bring()
        drops = persistence.drops - sum(earlier.drops for earlier in pushed)
        pushed.append(Pushed(cargo.file.remote, cargo.sha256, cargo.size_bytes, bytes_sent, drops))
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


def _cargo(file: FileToPush, digests: LocalDigests) -> Cargo:
    return Cargo(file, file.local.stat().st_size, digests.of(file.local))


def _already_there(phone: AdbPhone, cargoes: Sequence[Cargo]) -> set[Cargo]:
    """Which files are in their places, by size and hash."""
    sizes = remote_sizes(phone, [cargo.file.remote for cargo in cargoes])
    same_size = {
        cargo.file.remote: cargo.size_bytes
        for cargo in cargoes
        if sizes[cargo.file.remote] == cargo.size_bytes
    }
    hashes = remote_digests(phone, same_size)
    return {cargo for cargo in cargoes if hashes.get(cargo.file.remote) == cargo.sha256}


def _check_space(phone: AdbPhone, missing: Sequence[Cargo]) -> None:
    """Find out before sending whether all that is missing fits.

    A file that is replaced keeps its space until the new one takes its place.
    """
    kept = remote_sizes(phone, [cargo.part for cargo in missing])
    needed = Counter[str]()
    for cargo in missing:
        folder = str(PurePosixPath(cargo.file.remote).parent)
        needed[folder] += cargo.size_bytes - (kept[cargo.part] or 0)
    # Folders of a phone that models go to are on one file system, its data partition.
    for folder in needed:
        free = free_bytes(phone, folder)
        if free < needed.total() + _RESERVE_BYTES:
            raise NotEnoughSpace(folder, needed.total() + _RESERVE_BYTES, free)

"""What a session brings to a phone, each thing once: whole and verified, or not at all."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.devices.phone.files.local_digests import LocalDigests
from harness.devices.phone.files.storage import (
    RESERVE_BYTES,
    free_bytes,
    remote_digests,
    remote_sizes,
)
from harness.devices.phone.files.transfer import FileToPush, FileTransfer, HashedFile, PushLimits
from harness.devices.phone.workspace import Workspace, make_room_remedy
from harness.devices.transport.errors import NotEnoughSpace, PhoneRefused
from harness.devices.transport.phone import Commands, Phone
from harness.devices.transport.retrying import Retry, RetryLimits, retrying
from harness.full_disk import tells_full

_PROGRAM, _DATA = 0o755, 0o644
_REMOVE_S = 20.0


@dataclass(frozen=True)
class Pushed:
    """A file that is on the phone, verified.

    Attributes:
        remote: Path on the phone.
        sha256: Hash of its content, as the phone computed it.
        size_bytes: Size of its content.
        bytes_sent: 0 if it was there already; more than its size if a part was lost on the way.
        drops: How often the connection was cut meanwhile.
    """

    remote: str
    sha256: str
    size_bytes: int
    bytes_sent: int
    drops: int


def push_files(
    phone: Phone,
    files: Sequence[FileToPush],
    digests: LocalDigests,
    limits: PushLimits | None = None,
) -> tuple[Pushed, ...]:
    """Bring files to a phone, in order.

    Each grows in a part file beside its place, is hashed there by the phone, and takes its place
    when the hash is right. What is there already is hashed and not sent again.

    Args:
        phone: Phone that they are brought to.
        files: Files, each with a place of its own.
        digests: Knows the hashes of local files.
        limits: When to give up.

    Raises:
        NotEnoughSpace: If they do not fit, and nothing has been sent then; or if the phone's disk
            fills up meanwhile, and no part is left then.
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
            bytes_sent = _bring(phone, file, retry, limits)
        drops = retry.drops - sum(earlier.drops for earlier in pushed)
        pushed.append(Pushed(file.file.remote, file.sha256, file.size_bytes, bytes_sent, drops))
    return tuple(pushed)


def _bring(phone: Phone, file: HashedFile, retry: Retry, limits: PushLimits) -> int:
    """Bring one file; where the disk fills up meanwhile, say so and leave no part there."""
    try:
        return FileTransfer(phone, file, retry, limits).bring()
    except PhoneRefused as refused:
        if not tells_full(str(refused)):
            raise
        folder = str(PurePosixPath(file.file.remote).parent)
        free = retry.until_done(lambda: free_bytes(phone, folder))
        parts = shlex.join((file.part, file.piece))
        retry.until_done(lambda: phone.ask(f"rm -f {parts}", _REMOVE_S))
        needed = file.size_bytes + RESERVE_BYTES
        remedy = make_room_remedy(phone)
        raise NotEnoughSpace(folder, needed, free, said=str(refused), remedy=remedy) from refused


def _hashed(file: FileToPush, digests: LocalDigests) -> HashedFile:
    return HashedFile(file, file.local.stat().st_size, digests.of(file.local))


def _already_there(phone: Commands, files: Sequence[HashedFile]) -> set[HashedFile]:
    """Which files are in their places, by size and hash."""
    sizes = remote_sizes(phone, [file.file.remote for file in files])
    same_size = {
        file.file.remote: file.size_bytes
        for file in files
        if sizes[file.file.remote] == file.size_bytes
    }
    hashes = remote_digests(phone, same_size)
    return {file for file in files if hashes.get(file.file.remote) == file.sha256}


def _check_space(phone: Commands, missing: Sequence[HashedFile]) -> None:
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
        if free < needed.total() + RESERVE_BYTES:
            raise NotEnoughSpace(
                folder, needed.total() + RESERVE_BYTES, free, remedy=make_room_remedy(phone)
            )


class Deployment:
    """Files of this session on one phone.

    Whatever is brought raises ``NotEnoughSpace`` if the phone has no room for it, and another
    ``PhoneFailure`` if it does not arrive.

    Args:
        phone: Phone that they are brought to.
        digests: Knows the hashes of local files.
        retry_limits: How long the phone may be away meanwhile; as usual if not given.
    """

    def __init__(
        self, phone: Phone, digests: LocalDigests, retry_limits: RetryLimits | None = None
    ) -> None:
        self._phone = phone
        self._workspace = Workspace.on(phone)
        self._digests = digests
        self._limits = PushLimits(retry_limits=retry_limits or RetryLimits())
        self._there: dict[str, FileToPush] = {}
        self._bytes_sent = 0

    @property
    def bytes_sent(self) -> int:
        """Bytes sent so far; 0 where everything was there."""
        return self._bytes_sent

    def bring_folder(self, kind: str, files: Sequence[Path]) -> str:
        """Bring files that belong together, and return their folder on the phone.

        Args:
            kind: ``tools``, whose files may be run, or ``artifacts``.
            files: On this machine, each with a name of its own.
        """
        told = "\n".join(sorted(f"{path.name} {self._digests.of(path)}" for path in files))
        folder = self._workspace.content(kind, hashlib.sha256(told.encode()).hexdigest())
        permissions = _PROGRAM if kind == "tools" else _DATA
        self._bring([FileToPush(path, f"{folder}/{path.name}", permissions) for path in files])
        return folder

    def bring_image(self, raw: Path) -> str:
        """Bring a raw image, and return its path on the phone."""
        remote = self._workspace.image(self._digests.of(raw))
        self._bring([FileToPush(raw, remote)])
        return remote

    def restore(self) -> None:
        """Look again at everything that was brought, and bring what is gone or damaged.

        A phone that goes down hard may lose what was written last, under names that stay.
        """
        brought = list(self._there.values())
        self._there.clear()
        self._bring(brought)

    def _bring(self, files: Sequence[FileToPush]) -> None:
        missing = [file for file in files if file.remote not in self._there]
        if not missing:
            return
        pushed = push_files(self._phone, missing, self._digests, self._limits)
        self._there |= {file.remote: file for file in missing}
        self._bytes_sent += sum(one.bytes_sent for one in pushed)

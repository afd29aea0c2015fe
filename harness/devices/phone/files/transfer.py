"""One file on its way to a phone, through cuts."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from harness.devices.phone.files.growing_digest import FILE_STATE, RemoteDigest, growing_digest
from harness.devices.phone.files.storage import remote_sizes
from harness.devices.transport.errors import ConnectionLost, CorruptedOnTheWay, PhoneRefused
from harness.devices.transport.phone import Phone, SendLimits
from harness.devices.transport.retrying import Retry, RetryLimits

_ASK_S = 20.0
_SLOWEST_DISK_BYTES_PER_S = 20e6
_SENDINGS = 2

_WORTH_FOLLOWING_BYTES = 4 << 20
"""Smaller files are hashed on a phone in less time than a second shell takes to start."""


@dataclass(frozen=True)
class FileToPush:
    """One file.

    Attributes:
        local: Path on this machine.
        remote: Absolute path on the phone.
        permissions: Permission bits on the phone.
    """

    local: Path
    remote: str
    permissions: int = 0o644


@dataclass(frozen=True)
class HashedFile:
    """A file whose content is known.

    Attributes:
        file: Path of the file on both sides.
        size_bytes: Size of its content.
        sha256: Hash of its content.
    """

    file: FileToPush
    size_bytes: int
    sha256: str

    @property
    def part(self) -> str:
        """Where it grows; its name tells the content, so that only the same push continues it."""
        return f"{self.file.remote}.{self.sha256[:12]}.part"

    @property
    def piece(self) -> str:
        """Where a piece arrives that is then appended to the part."""
        return f"{self.part}.piece"


@dataclass(frozen=True)
class PushLimits:
    """When to give up, and how to cut a file into pieces after a drop.

    Attributes:
        stall_s: Time in which a MiB must get through.
        total_s: Time for all files together.
        retry_limits: How long the phone may be away within that.
        piece_bytes: Size of the pieces in which a file continues after a drop; each further drop
            halves it.
        smallest_piece_bytes: Size at which halving ends.
    """

    stall_s: float = 20.0
    total_s: float = 3600.0
    retry_limits: RetryLimits = field(default_factory=RetryLimits)
    piece_bytes: int = 64 << 20
    smallest_piece_bytes: int = 1 << 20


class FileTransfer:
    """Brings one file to its place.

    A file goes in one stream, and the phone hashes it meanwhile. When that is cut, the phone may
    have kept a part or not (adbd has done either); the rest then goes in pieces, each appended to
    the part when it is whole, so that every further cut costs one piece at most, and the phone
    hashes the part when it is whole.

    Args:
        phone: Phone that it is brought to.
        file: File that is brought.
        retry: Time and cuts of the whole push.
        limits: When a stream counts as stalled, and the size of pieces.
    """

    def __init__(self, phone: Phone, file: HashedFile, retry: Retry, limits: PushLimits) -> None:
        self._phone = phone
        self._file = file
        self._retry = retry
        self._limits = limits
        self._bytes_sent = 0
        self._bytes_there: int | None = None
        self._hashed: RemoteDigest | None = None
        self._most_at_once = file.size_bytes

    def bring(self) -> int:
        """Send the file, verify it and put it into its place.

        Returns:
            Bytes sent.

        Raises:
            PhoneRefused: With the phone's own words.
            CorruptedOnTheWay: If it arrives with another hash time and again.
            DeadlineExceeded: If the phone stays away, or the time is over.
        """
        arrived = ""
        for _ in range(_SENDINGS):
            while not self._retry.until_done(self._advance):
                pass
            arrived = self._retry.until_done(self._settle)
            if arrived == self._file.sha256:
                return self._bytes_sent
        raise CorruptedOnTheWay(self._file.file.remote, self._file.sha256, arrived, _SENDINGS)

    def _advance(self) -> bool:
        """Send what is missing, or a piece of it; whether nothing was missing."""
        kept = self._bytes_kept()
        if kept == self._file.size_bytes:
            return True
        start = kept or 0
        byte_count = min(self._most_at_once, self._file.size_bytes - start)
        self._bytes_there = None
        self._hashed = None
        try:
            if start:
                self._send(start, byte_count, self._file.piece)
                self._append(start, byte_count)
            else:
                self._send_beginning(byte_count)
        except ConnectionLost:
            self._most_at_once = self._less_at_once()
            raise
        self._bytes_there = start + byte_count
        return False

    def _bytes_kept(self) -> int | None:
        """Size of the part, None without one; asks the phone where a cut left that open."""
        if self._bytes_there is not None:
            return self._bytes_there
        part = self._file.part
        kept = remote_sizes(self._phone, [part])[part]
        return kept if kept is None or kept <= self._file.size_bytes else None

    def _less_at_once(self) -> int:
        if self._most_at_once > self._limits.piece_bytes:
            return self._limits.piece_bytes
        return max(self._most_at_once // 2, self._limits.smallest_piece_bytes)

    def _send_beginning(self, byte_count: int) -> None:
        """Send the part; where it is the whole file, have the phone hash it meanwhile."""
        size = self._file.size_bytes
        if byte_count < size or size < _WORTH_FOLLOWING_BYTES:
            self._send(0, byte_count, self._file.part)
            return
        total_s = self._retry.left_s
        with growing_digest(self._phone, self._file.part, size, total_s) as collect:
            self._send(0, size, self._file.part)
            self._hashed = collect(self._hash_s)

    def _send(self, start: int, byte_count: int, remote: str) -> None:
        sent_before = self._bytes_sent

        def on_sent(sent: int) -> None:
            self._bytes_sent = sent_before + sent

        limits = SendLimits(self._limits.stall_s, self._retry.left_s)
        with self._file.file.local.open("rb", buffering=0) as source:
            source.seek(start)
            self._phone.send(source, byte_count, remote, limits, on_sent)

    def _append(self, start: int, byte_count: int) -> None:
        """Add the piece to the part; doing it twice does no harm."""
        part, piece = shlex.quote(self._file.part), shlex.quote(self._file.piece)
        answer = self._phone.ask(
            f"if [ -f {piece} ]; then truncate -s {start} {part} && cat {piece} >> {part} "
            f"&& rm {piece}; fi",
            _ASK_S + byte_count / _SLOWEST_DISK_BYTES_PER_S,
        )
        if answer.exit_code != 0:
            raise PhoneRefused(answer.stderr or answer.stdout)

    def _settle(self) -> str:
        """Let the phone move the part to its place if its hash is right, else drop it.

        The part is hashed now unless it is the very file that was hashed while it grew, and came
        out right. Sent again after a lost answer, it hashes the file in its place; with neither,
        as a part that a reboot took, there is no hash.
        """
        remote, part = shlex.quote(self._file.file.remote), shlex.quote(self._file.part)
        self._bytes_there = None
        hashed, self._hashed = self._hashed, None
        known = hashed.state if hashed and hashed.sha256 == self._file.sha256 else "unknown"
        answer = self._phone.ask(
            f"if [ ! -f {part} ]; then {{ sha256sum < {remote}; }} 2>/dev/null || echo none; "
            "exit 0; fi; "
            f'if [ "$({FILE_STATE} {part})" = {known} ]; then h={self._file.sha256}; '
            f"else h=$(sha256sum < {part}) || exit 1; fi; "
            f'if [ "${{h%% *}}" = {self._file.sha256} ]; then '
            f"chmod {self._file.file.permissions:o} {part} && mv {part} {remote} || exit 1; fi; "
            f"rm -f {remote}.*.part {remote}.*.part.piece; echo $h",
            self._hash_s,
        )
        if answer.exit_code != 0:
            raise PhoneRefused(answer.stderr or answer.stdout)
        return str(answer.stdout.split()[0])

    @property
    def _hash_s(self) -> float:
        """Longest time in which the phone hashes the file."""
        return _ASK_S + self._file.size_bytes / _SLOWEST_DISK_BYTES_PER_S

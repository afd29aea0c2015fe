"""What a push is asked for, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.devices.adb.protocol.retrying import RetryLimits


@dataclass(frozen=True)
class FileToPush:
    """One file.

    Attributes:
        local: On this machine.
        remote: Absolute path on the phone.
        permissions: There.
    """

    local: Path
    remote: str
    permissions: int = 0o644


@dataclass(frozen=True)
class HashedFile:
    """A file whose content is known.

    Attributes:
        file: What to push where.
        size_bytes: Of its content.
        sha256: Of its content.
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
class Pushed:
    """A file that is on the phone, verified.

    Attributes:
        remote: Where.
        sha256: Of its content, as the phone computed it.
        size_bytes: Of its content.
        bytes_sent: 0 if it was there already; more than its size if a part was lost on the way.
        drops: How often the connection was cut meanwhile.
    """

    remote: str
    sha256: str
    size_bytes: int
    bytes_sent: int
    drops: int


@dataclass(frozen=True)
class Progress:
    """How far a file is.

    Attributes:
        remote: Where it goes.
        bytes_done: Of it that are on the phone or on their way.
        bytes_total: Its size.
    """

    remote: str
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True)
class PushLimits:
    """When to give up, and how to cut a file into pieces after a drop.

    Attributes:
        stall_s: Time in which a MiB must get through.
        total_s: Time for all files together.
        retry_limits: How long the phone may be away within that.
        piece_bytes: Size of the pieces in which a file continues after a drop; each further drop
            halves it.
        smallest_piece_bytes: Where halving ends.
    """

    stall_s: float = 20.0
    total_s: float = 3600.0
    retry_limits: RetryLimits = field(default_factory=RetryLimits)
    piece_bytes: int = 64 << 20
    smallest_piece_bytes: int = 1 << 20

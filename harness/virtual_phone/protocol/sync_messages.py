"""Messages of the sync service: those of adb's programs, and the older ones that libraries send.

Source: AOSP ``packages/modules/adb/SYNC.TXT`` and ``file_sync_protocol.h``.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1 << 16
REQUEST_BYTES = 8
SEND_2_BYTES = 12
RECEIVE_2_BYTES = 8

OKAY = b"OKAY" + bytes(4)
"""A file arrived."""
DONE = b"DONE" + bytes(4)
"""End of a file's data."""

_STAT_1 = struct.Struct("<III")
_STAT_2 = struct.Struct("<IQQIIIIQqqq")
_LENGTH = struct.Struct("<I")
_MASK = 0xFFFFFFFF
_MOST_PATH_BYTES = 1024


class BadSyncRequest(Exception):
    """A request that a phone cannot make sense of; the text is what it answers."""


@dataclass(frozen=True)
class SyncRequest:
    """Head of a message from the host.

    Attributes:
        kind: Four letters that name it.
        number: Length of what follows, or a time, or nothing: the kind decides.
    """

    kind: bytes
    number: int

    @property
    def path_bytes(self) -> int:
        """Length of the path that follows.

        Raises:
            BadSyncRequest: If no path is so long.
        """
        if self.number > _MOST_PATH_BYTES:
            raise BadSyncRequest("path too long")
        return self.number


def parse_request(data: bytes) -> SyncRequest:
    """Read the eight bytes that begin each message."""
    return SyncRequest(data[:4], _LENGTH.unpack(data[4:8])[0])


def parse_send_target(target: str) -> tuple[str, int]:
    """Path and mode of a first-generation ``SEND``: ``/data/local/tmp/name,33188``.

    Raises:
        BadSyncRequest: If the mode is missing or no number.
    """
    path, comma, mode = target.rpartition(",")
    if not comma or not (mode.isascii() and mode.isdigit()):
        raise BadSyncRequest("missing , in ID_SEND_V1")
    return path, int(mode)


def parse_send_2(data: bytes) -> tuple[int, int]:
    """Mode and flags of a second-generation ``SND2``."""
    _, mode, flags = struct.unpack("<4sII", data)
    return mode, flags


def pack_fail(reason: str) -> bytes:
    """The phone's own words on what went wrong."""
    text = reason.encode()
    return b"FAIL" + _LENGTH.pack(len(text)) + text


def pack_data(block: bytes) -> bytearray:
    """A file's data, in as many messages as it takes."""
    packed = bytearray()
    for start in range(0, len(block), CHUNK_BYTES):
        chunk = block[start : start + CHUNK_BYTES]
        packed += b"DATA" + _LENGTH.pack(len(chunk)) + chunk
    return packed


def pack_stat_1(path: Path) -> bytes:
    """Mode, size (its lower 32 bits) and time; zeros for what does not exist."""
    try:
        found = path.lstat()
    except OSError:
        return bytes(_STAT_1.size)
    return _STAT_1.pack(found.st_mode, found.st_size & _MASK, int(found.st_mtime) & _MASK)


def pack_stat_2(path: Path) -> bytes:
    """All that there is to know of a path, or the error number."""
    try:
        found = path.lstat()
    except OSError as error:
        return _STAT_2.pack(error.errno or 5, *[0] * 10)
    return _STAT_2.pack(
        0,
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_nlink,
        found.st_uid,
        found.st_gid,
        found.st_size,
        int(found.st_atime),
        int(found.st_mtime),
        int(found.st_ctime),
    )


def pack_listing(folder: Path) -> bytes:
    """What is in a folder; nothing for one that is missing, as adbd answers."""
    try:
        names = [".", "..", *sorted(os.listdir(folder))]
    except OSError:
        names = []
    packed = bytearray()
    for name in names:
        encoded = os.fsencode(name)
        packed += b"DNT2" + pack_stat_2(folder / name) + _LENGTH.pack(len(encoded)) + encoded
    return bytes(packed) + b"DONE" + bytes(_STAT_2.size + 4)

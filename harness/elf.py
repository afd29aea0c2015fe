"""What a program or library says of itself: the machine that it is for and the libraries it needs.

ELF-64 Object File Format, figures 2 (header), 5 (program header) and 6 (dynamic section). Only the
program headers are read, which a stripped file still has.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_IDENTITY = struct.Struct("<4sB13xH")
"""Magic, class and, 18 bytes in, machine."""
_MACHINES = {3: "x86", 40: "32-bit Arm", 62: "x86-64", 164: "Hexagon", 183: "Arm64"}
_HEADER = struct.Struct("<32xQ14xHH")
"""Offset, size and number of the program headers."""
_SEGMENT = struct.Struct("<II6Q")
"""Type, flags, offset, virtual and physical address, size in the file and in memory, alignment."""
_ENTRY = struct.Struct("<QQ")
"""Tag and value."""
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRING_TABLE = 1, 5
_CLASS_64 = 2
_DAMAGED = (struct.error, ValueError, OverflowError)
"""What reading raises of offsets that lead nowhere."""

ARM64, HEXAGON, X86_64 = "Arm64", "Hexagon", "x86-64"


@dataclass(frozen=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def machine_of(path: Path) -> str | None:
    """``Arm64``, ``x86-64``, ``Hexagon``, ...; None for what is no ELF file."""
    with path.open("rb") as file:
        header = file.read(_IDENTITY.size)
    if len(header) < _IDENTITY.size:
        return None
    magic, _, machine = _IDENTITY.unpack(header)
    return _MACHINES.get(machine, f"machine {machine}") if magic == b"\x7fELF" else None


def is_whole(path: Path) -> bool:
    """Whether a 64-bit ELF file holds all that its program headers tell of.

    One that was cut, as by a copy that broke off, is no error to a loader: whoever touches what is
    missing dies of SIGBUS.
    """
    size = path.stat().st_size
    if size < _HEADER.size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return all(one.end <= size for one in _segments(data) if one.kind in (_LOAD, _DYNAMIC))
        except _DAMAGED:
            return False


def needed_libraries(path: Path) -> tuple[str, ...]:
    """Names of the libraries that the linker looks for first (``DT_NEEDED``).

    Returns:
        In the file's order; none of what is no 64-bit ELF file, is linked statically, or is cut.
    """
    with path.open("rb") as file:
        identity = file.read(_IDENTITY.size)
        if len(identity) < _IDENTITY.size or identity[:5] != b"\x7fELF" + bytes([_CLASS_64]):
            return ()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return tuple(_needed(data))
            except _DAMAGED:
                return ()


def companions(files: Sequence[Path], folders: Sequence[Path]) -> tuple[Path, ...]:
    """Libraries in some folders that files need, or that those need in turn.

    Args:
        files: Programs and libraries; what they need of each other is no companion.
        folders: Where to look, the first that has a library wins.

    Returns:
        Paths, each library once.
    """
    found: dict[str, Path] = {path.name: path for path in files}
    waiting = list(files)
    while waiting:
        for name in needed_libraries(waiting.pop()):
            # A name with a folder is of the machine that it was linked on.
            places = [] if "/" in name or not name else [one / name for one in folders]
            place = next((place for place in places if place.is_file()), None)
            if name not in found and place is not None:
                found[name] = place
                waiting.append(place)
    return tuple(found.values())[len({path.name for path in files}) :]


def _needed(data: mmap.mmap) -> Iterator[str]:
    segments = list(_segments(data))
    entries = [entry for one in segments if one.kind == _DYNAMIC for entry in _entries(data, one)]
    strings = next((value for tag, value in entries if tag == _STRING_TABLE), None)
    if strings is None:
        return
    start = _offset_of(strings, segments)
    for tag, value in entries:
        if tag == _NEEDED:
            # Without an end, a slice of nothing: the file is cut.
            end = data.find(b"\0", start + value)
            yield data[start + value : max(end, 0)].decode(errors="replace")


def _offset_of(address: int, segments: Sequence[_Segment]) -> int:
    """Where in the file an address is; ValueError if nowhere."""
    for one in segments:
        if one.kind == _LOAD and one.address <= address < one.address + one.size:
            return one.offset + address - one.address
    raise ValueError(f"no segment holds {address:#x}")


def _segments(data: mmap.mmap) -> Iterator[_Segment]:
    table, size, count = _HEADER.unpack_from(data)
    for index in range(count):
        kind, _, offset, address, _, in_file, _, _ = _SEGMENT.unpack_from(
            data, table + index * size
        )
        yield _Segment(kind, offset, address, in_file)


def _entries(data: mmap.mmap, dynamic: _Segment) -> Iterator[tuple[int, int]]:
    for at in range(dynamic.offset, dynamic.offset + dynamic.size, _ENTRY.size):
        tag, value = _ENTRY.unpack_from(data, at)
        if tag == 0:
            return
        yield tag, value

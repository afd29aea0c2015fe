"""What machine a program or library was built for."""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = struct.Struct("<4sB13xH")
"""Magic, class and, 18 bytes in, machine (ELF-64 object file format, figure 2)."""
_MACHINES = {3: "x86", 40: "32-bit Arm", 62: "x86-64", 164: "Hexagon", 183: "Arm64"}

ARM64 = "Arm64"
HEXAGON = "Hexagon"


def machine_of(path: Path) -> str | None:
    """``Arm64``, ``x86-64``, ``Hexagon``, ...; None for what is no ELF file."""
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, _, machine = _HEADER.unpack(header)
    return _MACHINES.get(machine, f"machine {machine}") if magic == b"\x7fELF" else None

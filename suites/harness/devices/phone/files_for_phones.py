"""Files that look like those a phone needs: headers of programs and libraries, nothing behind."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

ARM64, X86_64, HEXAGON = 183, 62, 164
_HEADERS_BYTES = 64 + 2 * 56
"""Of the file and of its two segments."""
_BASE = 0x4000
"""Address that the file is loaded at."""


def write_elf(
    path: Path, machine: int = ARM64, content: bytes = b"", needs: Sequence[str] = ()
) -> Path:
    """A file that begins as programs and libraries for one machine do.

    Args:
        path: Where to write it.
        machine: Number of the machine.
        content: What follows.
        needs: Names of libraries that the linker has to find for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in needs)
    places = [strings.index(b"\0" + name.encode() + b"\0") + 1 for name in needs]
    start = _HEADERS_BYTES + 16 * (len(needs) + 2)
    dynamic = [*((1, place) for place in places), (5, _BASE + start), (0, 0)]
    head = b"\x7fELF" + bytes([2]) + bytes(13) + struct.pack("<H", machine)
    head += struct.pack("<IQQQIHHHHHH", 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<II6Q", 1, 5, 0, _BASE, _BASE, start + len(strings), 0, 0)
    table = struct.pack("<II6Q", 2, 4, _HEADERS_BYTES, 0, 0, 16 * len(dynamic), 0, 0)
    entries = b"".join(struct.pack("<QQ", *entry) for entry in dynamic)
    path.write_bytes(head + load + table + entries + strings + content)
    return path


def write_build(folder: Path, machine: int = ARM64) -> Path:
    """An ExecuTorch build folder."""
    write_elf(folder / "examples/qualcomm/oss_scripts/llama/qnn_multimodal_runner", machine)
    write_elf(folder / "backends/qualcomm/libqnn_executorch_backend.so", machine)
    return folder


def write_sdk(folder: Path, arch: int = 73, version: str = "2.47.0") -> Path:
    """A QNN SDK with the libraries of one HTP version."""
    libraries = folder / "lib/aarch64-android"
    build_id = f"v{version}.260601114230".encode()
    for name in ("Htp", f"HtpV{arch}Stub", "HtpPrepare", "System"):
        write_elf(libraries / f"libQnn{name}.so", ARM64, build_id)
    skel = folder / f"lib/hexagon-v{arch}/unsigned/libQnnHtpV{arch}Skel.so"
    write_elf(skel, HEXAGON, build_id)
    return folder

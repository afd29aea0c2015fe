"""Files that look like those a phone needs: headers of programs and libraries, nothing behind."""

from __future__ import annotations

import struct
from pathlib import Path

ARM64, X86_64, HEXAGON = 183, 62, 164


def write_elf(path: Path, machine: int, content: bytes = b"") -> Path:
    """A file that begins as programs and libraries for one machine do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = b"\x7fELF" + bytes([2]) + bytes(13) + struct.pack("<H", machine)
    path.write_bytes(head + content)
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

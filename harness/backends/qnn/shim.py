"""Compiles ``shim.c``, which stands in front of ``libQnnHtp.so``, once per user and C library."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import tempfile
from pathlib import Path

from harness.backends.qnn.libraries import HTP_LIBRARY
from harness.errors import UserError
from harness.finished_program import run_to_end

_COMPILE_S = 300.0
_SOURCE = Path(__file__).with_name("shim.c")
_FLAGS = (
    *("-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"),
    *("-fvisibility=hidden", f"-Wl,-soname,{HTP_LIBRARY}"),
)


def c_compiler() -> str:
    """The system's C compiler.

    Raises:
        UserError: If there is none.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise UserError(
            "QNN needs a C compiler once, to build the bridge to ExecuTorch, and there "
            "is no cc on PATH; type: sudo apt install gcc"
        )
    return compiler


def compiled_shim(cache: Path) -> Path:
    """The compiled shim, built if this source was not built for this C library before.

    Processes that build it at once each build their own and the last one stays: all are equal.

    Args:
        cache: Folder to keep it in; made if missing.

    Raises:
        UserError: If it must be built and there is no compiler, or that fails.
        OSError: If the folder cannot be written.
    """
    path = cache / f"shim-{_key()}.so"
    if not path.is_file():
        compiler = c_compiler()
        cache.mkdir(parents=True, exist_ok=True)
        _compile(compiler, path)
    return path


def _key() -> str:
    words = (*_FLAGS, platform.machine(), *platform.libc_ver())
    return hashlib.sha256(_SOURCE.read_bytes() + "\0".join(words).encode()).hexdigest()[:12]


def _compile(compiler: str, path: Path) -> None:
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(descriptor)
    try:
        command = [compiler, *_FLAGS, str(_SOURCE), "-o", part]
        result = run_to_end(command, _COMPILE_S)
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines() or ["no message"]
            raise UserError(
                f"{compiler} could not build the bridge to QNN ({lines[-1]}); "
                "try it yourself: " + shlex.join([*command[:-1], os.devnull])
            )
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)

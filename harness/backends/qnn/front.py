"""QNN's libraries of this machine as a C++ program takes them: behind ``shim.c``.

A program built by ExecuTorch finds ``libQnnHtp.so`` by ``LD_LIBRARY_PATH``. Without the shim a
newer QNN than it was built against refuses it: ``unknown custom config socModel``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.backends.qnn.libraries import (
    HTP_LIBRARY,
    SYSTEM_LIBRARY,
    QnnLibraries,
    cache_folder,
    check_whole,
    link_to,
    not_writable,
)
from harness.backends.qnn.shim import compiled_shim
from harness.elf import companions

REAL_LIBRARY = "libQnnHtpReal.so"
"""Name under which ``shim.c`` looks for the real ``libQnnHtp.so`` in its own folder."""


def fronted_libraries(libraries: QnnLibraries) -> tuple[Path, ...]:
    """Links to all that a C++ program needs of QNN, in one folder, by the names that it loads.

    Args:
        libraries: QNN for this machine.

    Returns:
        The shim as ``libQnnHtp.so``, the real one under another name, ``libQnnSystem.so`` and what
        they need that came with them.

    Raises:
        UserError: If the libraries are no whole ones for this machine, there is no C compiler for
            the shim, or the cache cannot be written.
    """
    check_whole(libraries)
    directory = libraries.directory
    behind = directory / REAL_LIBRARY
    # A folder that has a shim in front already: a shim behind a shim would find itself.
    htp = behind if behind.is_file() else directory / HTP_LIBRARY
    own = (htp, directory / SYSTEM_LIBRARY)
    # A wheel's tools put libraries of others beside its package.
    beside = companions(own, (directory, directory.with_name(f"{directory.name}.libs")))
    cache = cache_folder()
    try:
        shim = compiled_shim(cache)
        named = {HTP_LIBRARY: shim, REAL_LIBRARY: own[0], SYSTEM_LIBRARY: own[1]}
        named |= {path.name: path for path in beside}
        told = "\0".join(f"{name} {path}" for name, path in named.items())
        folder = cache / f"front-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in named.items():
            link_to(folder / name, path)
    except OSError as error:
        raise not_writable(cache, error) from error
    return tuple(folder / name for name in named)

"""Starts QNN in this process so that ExecuTorch finds it. Imports without torch.

ExecuTorch's wheel opens ``libQnnHtp.so`` by name when a QNN method is lowered or loaded. Here that
name is given a meaning first, without ``LD_LIBRARY_PATH`` and whatever is imported before or after.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from harness.backends.qnn.errors import explain
from harness.backends.qnn.libraries import (
    HTP_LIBRARY,
    SDK_LIBRARY_FOLDER,
    SYSTEM_LIBRARY,
    QnnLibraries,
    cache_folder,
    check_whole,
    find_libraries,
    linked_sdk,
    not_writable,
)
from harness.backends.qnn.native_log import captured_native_log, worth_reading
from harness.backends.qnn.shim import compiled_shim
from harness.errors import UserError
from harness.mounts import is_noexec

_HTP_BACKEND_ID = 6
_CORE_API_MAJOR = 2
_PROVIDER_HEAD = struct.Struct("<IxxxxQ6I")
"""``QnnInterface_t`` before its function table: backend id, name, core and backend API version."""
_BACKEND_GET_BUILD_ID = 4
"""Index in the function table (QnnInterface.h)."""
_LAST_NARROW_VERSION = (2, 37)
"""Newest version known to have the narrow struct of ``shim.c``; 2.38 to 2.46 were never tried."""


@dataclass(frozen=True)
class QnnInfo:
    """The QNN that this process uses.

    Attributes:
        build_id: As the library states it, ``v2.47.0.260601...``.
        version: Major, minor and patch of it.
        source: ``QNN_SDK_ROOT``, ``--qnn-dir`` or ``onnxruntime-qnn``.
        library_directory: Where the libraries are.
    """

    build_id: str
    version: tuple[int, int, int]
    source: str
    library_directory: Path


class _Process:
    """What is loaded; a library is loaded for a whole process, so there is one of these."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.info: QnnInfo | None = None


_process = _Process()


def activate(qnn_dir: Path | None = None) -> QnnInfo:
    """Make QNN available to ExecuTorch in this process; call it before lowering or loading.

    Repeated calls cost nothing. Threads may call it at once.

    Args:
        qnn_dir: See :func:`~harness.backends.qnn.libraries.find_libraries`.

    Raises:
        UserError: If there are no usable libraries, no C compiler, or other QNN libraries are
            active in this process.
    """
    with _process.lock:
        if _process.info is None:
            _process.info = _start(find_libraries(qnn_dir))
        elif qnn_dir is not None:
            _check_same(_process.info, find_libraries(qnn_dir, environment={}))
        return _process.info


def _check_same(active: QnnInfo, wanted: QnnLibraries) -> None:
    if wanted.directory != active.library_directory:
        raise UserError(
            f"This process uses the QNN libraries in {active.library_directory} and cannot change "
            f"to those in {wanted.directory}; start another process for them."
        )


def _start(libraries: QnnLibraries) -> QnnInfo:
    _check_unused()
    check_whole(libraries)
    shim_path, sdk = _prepared(libraries)
    with captured_native_log() as log:
        shim, real = _load(libraries, shim_path)
    for line in worth_reading(log):
        print(line, file=sys.stderr)
    provider = _provider(real, libraries)
    info = _describe(provider, libraries)
    shim.snapgate_front.argtypes = [ctypes.c_void_p, ctypes.c_int]
    shim.snapgate_front.restype = None
    shim.snapgate_front(provider, info.version[:2] > _LAST_NARROW_VERSION)
    os.environ["QNN_SDK_ROOT"] = str(sdk)
    return info


def _prepared(libraries: QnnLibraries) -> tuple[Path, Path]:
    """The shim, and a folder in which ExecuTorch finds these libraries as in an SDK.

    An SDK that ``QNN_SDK_ROOT`` names by an absolute path is one already.
    """
    cache = cache_folder()
    sdk = Path(os.environ.get("QNN_SDK_ROOT", ""))
    try:
        if not sdk.is_absolute() or (sdk / SDK_LIBRARY_FOLDER).resolve() != libraries.directory:
            sdk = linked_sdk(libraries, cache)
        return compiled_shim(cache), sdk
    except OSError as error:
        raise not_writable(cache, error) from error


def _check_unused() -> None:
    try:
        ctypes.CDLL(HTP_LIBRARY, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
    except OSError:
        return
    raise UserError(
        f"Another {HTP_LIBRARY} is already loaded in this process; use Snapgate in a process of "
        "its own."
    )


def _load(libraries: QnnLibraries, shim_path: Path) -> tuple[ctypes.CDLL, ctypes.CDLL]:
    """Load the shim and, behind it, the real ``libQnnHtp.so``.

    QNN brings LLVM's libc++abi and libunwind, which define the same C++ symbols as libstdc++ and
    libgcc_s and need libgcc_s themselves. In any other order, the next C++ exception or the next
    imported extension ends the process:

    1. libgcc_s and libstdc++ are loaded, and so bound to each other, before LLVM's exist;
    2. QNN is loaded out of sight of others and prefers its own runtime (LOCAL, DEEPBIND);
    3. libgcc_s and libstdc++ enter the global scope, since ExecuTorch opens ``libQnnHtp.so`` again
       with RTLD_GLOBAL and extensions imported after that must not find LLVM's symbols first.
    """
    runtimes = ("libgcc_s.so.1", "libstdc++.so.6")
    hidden = os.RTLD_NOW | os.RTLD_LOCAL | os.RTLD_DEEPBIND
    try:
        for name in runtimes:
            ctypes.CDLL(name, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        # The first library loaded under a SONAME is the one that the name finds from then on.
        shim = ctypes.CDLL(str(shim_path), mode=hidden)
        ctypes.CDLL(str(libraries.directory / SYSTEM_LIBRARY), mode=hidden)
        real = ctypes.CDLL(str(libraries.directory / HTP_LIBRARY), mode=hidden)
        for name in runtimes:
            ctypes.CDLL(name, mode=os.RTLD_NOW | os.RTLD_GLOBAL)
    except OSError as error:
        raise UserError(_not_loaded(libraries, shim_path, str(error))) from error
    return shim, real


def _not_loaded(libraries: QnnLibraries, shim_path: Path, reason: str) -> str:
    """Why libraries that are there cannot be loaded: for their place, or what they need."""
    fact = f"The QNN libraries in {libraries.directory} cannot be loaded"
    if is_noexec(shim_path.parent):
        return (
            f"{fact}: the cache {shim_path.parent} is mounted noexec, and their bridge to "
            "ExecuTorch is loaded from there; set XDG_CACHE_HOME to a folder that is not."
        )
    if is_noexec(libraries.directory):
        return f"{fact}: that folder is mounted noexec; copy them and name the copy with --qnn-dir."
    if known := explain([reason]):
        return f"{fact} ({reason}): {known}."
    return f"{fact} ({reason}); install them again or use --target host."


def _provider(library: ctypes.CDLL, libraries: QnnLibraries) -> int:
    """Address of the library's provider record."""
    get_providers = library.QnnInterface_getProviders
    get_providers.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_uint32)]
    get_providers.restype = ctypes.c_uint64
    providers, count = ctypes.c_void_p(), ctypes.c_uint32()
    error = get_providers(ctypes.byref(providers), ctypes.byref(count))
    if error or count.value == 0 or not providers.value:
        raise UserError(
            f"{HTP_LIBRARY} in {libraries.directory} offers no backend (error {error}); install "
            "the QNN libraries again."
        )
    return ctypes.c_uint64.from_address(providers.value).value


def _describe(provider: int, libraries: QnnLibraries) -> QnnInfo:
    head = ctypes.string_at(provider, _PROVIDER_HEAD.size)
    backend_id, _, *api = _PROVIDER_HEAD.unpack(head)
    build_id = _build_id(provider)
    version = parse_version(build_id)
    if backend_id != _HTP_BACKEND_ID or api[0] != _CORE_API_MAJOR or version is None:
        raise UserError(
            f"{HTP_LIBRARY} in {libraries.directory} is of an unknown kind (build {build_id!r}, "
            f"backend {backend_id}, API {api[0]}.{api[1]}); use QNN 2.37 to 2.51."
        )
    return QnnInfo(
        build_id=build_id,
        version=version,
        source=libraries.source,
        library_directory=libraries.directory,
    )


def parse_version(build_id: str) -> tuple[int, int, int] | None:
    """Major, minor and patch of a build id such as ``v2.47.0.260601114230``, None if it is none."""
    numbers = re.match(r"v(\d+)\.(\d+)\.(\d+)", build_id)
    return (int(numbers[1]), int(numbers[2]), int(numbers[3])) if numbers else None


def _build_id(provider: int) -> str:
    entry = provider + _PROVIDER_HEAD.size + 8 * _BACKEND_GET_BUILD_ID
    signature = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.POINTER(ctypes.c_char_p))
    text = ctypes.c_char_p()
    signature(ctypes.c_uint64.from_address(entry).value)(ctypes.byref(text))
    return (text.value or b"").decode()

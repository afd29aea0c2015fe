"""How ExecuTorch runs in this process on a CPU: its threads, and the memory that weights take.

Its Python bindings say nothing of backend options, so these are set where C++ programs set them.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from pathlib import Path

from harness.errors import UserError
from harness.processors import allowed_processors, usable_processors

_XNNPACK = b"XnnpackBackend"
_SHARES_WEIGHTS = b"weight_cache_enabled"
_SET_OPTION = "_ZN10executorch7runtime10set_optionEPKcNS0_4SpanINS0_13BackendOptionEEE"
_MAY_LOCK_MEMORY = 1 << 14
_CAPABILITIES_OF_64_BITS = 0x20080522


class _BackendOption(ctypes.Structure):
    """``BackendOption`` of ExecuTorch's runtime/backend/options.h; of its variant, a bool."""

    _fields_ = (
        ("key", ctypes.c_char * 64),
        ("value", ctypes.c_bool),
        ("_longer_values", ctypes.c_char * 255),
        ("kind", ctypes.c_uint32),
    )


def share_weights() -> None:
    """Let methods of XNNPACK that have a weight in common keep one copy of it.

    Each would pack its own otherwise, and a hybrid file has every weight in both of its methods.
    Of methods that are loaded from now on. ExecuTorch knows a weight by its codes: two linears with
    the same ones, which training does not make, would get the scales of the first.
    """
    package = importlib.import_module("executorch")
    # The bindings have loaded it already.
    library = ctypes.CDLL(str(Path(package.__path__[0]) / "lib" / "libexecutorch.so"))
    set_option = library[_SET_OPTION]
    set_option.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
    option = _BackendOption(key=_SHARES_WEIGHTS, value=True)
    if error := set_option(_XNNPACK, ctypes.byref(option), 1):
        raise RuntimeError(f"ExecuTorch does not let methods share weights (error {error})")


def lock_no_memory() -> None:
    """Let the system decide which pages of a ``.pte`` are in memory.

    ExecuTorch locks what it maps where it may, whole tables of embeddings of which a conversation
    reads some rows. It takes no notice where it may not.
    """
    if sys.platform != "linux":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, most))
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_OF_64_BITS, 0)
    # Effective, permitted and inheritable ones, twice 32 of each.
    capabilities = (ctypes.c_uint32 * 6)()
    if libc.capget(header, capabilities) == 0:
        capabilities[0] &= ~_MAY_LOCK_MEMORY
        libc.capset(header, capabilities)


def use_threads(count: int | None) -> None:
    """Compute with so many threads. Methods that are loaded already would break.

    Args:
        count: None for one per processor that this process may use: ExecuTorch by itself takes
            all of the machine's, which wait for each other where a container has fewer.

    Raises:
        UserError: If this process may not run on as many processors.
    """
    allowed = allowed_processors()
    if count is None:
        count = usable_processors()
        if count == os.cpu_count():
            return
    if count > allowed:
        raise UserError(
            f"--threads {count} is more than the {allowed} processors that this process may use; "
            "give fewer, or leave it out."
        )
    importlib.import_module("torch")
    importlib.import_module("executorch.extension.pybindings._C")._unsafe_reset_threadpool(count)

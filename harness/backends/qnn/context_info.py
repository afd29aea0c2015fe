"""What QNN itself says about a context binary, without loading it onto an HTP."""

from __future__ import annotations

import ctypes
import mmap
import os
from ctypes import POINTER, c_char_p, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path

from harness.backends.delegate_data import FileRange
from harness.backends.qnn.libraries import SYSTEM_LIBRARY
from harness.backends.qnn.provider import QnnInfo, parse_version
from harness.errors import UserError


@dataclass(frozen=True)
class GraphInfo:
    """One graph of a context.

    Attributes:
        name: The method it came from.
        inputs: Number of input tensors.
        outputs: Number of output tensors.
        spill_fill_bytes: DRAM it needs for what does not fit into VTCM, None where not stated.
        vtcm_bytes: VTCM it was compiled for, None where not stated.
    """

    name: str
    inputs: int
    outputs: int
    spill_fill_bytes: int | None
    vtcm_bytes: int | None


@dataclass(frozen=True)
class ContextInfo:
    """A context binary.

    Attributes:
        build_id: QNN that made it.
        version: Major, minor and patch of that.
        graphs: What it holds.
    """

    build_id: str
    version: tuple[int, int, int]
    graphs: tuple[GraphInfo, ...]


class _Version(ctypes.Structure):
    _fields_ = (("major", c_uint32), ("minor", c_uint32), ("patch", c_uint32))


_CREATE = ctypes.CFUNCTYPE(c_uint64, POINTER(c_void_p))
_GET_BINARY_INFO = ctypes.CFUNCTYPE(
    c_uint64, c_void_p, c_void_p, c_uint64, POINTER(c_void_p), POINTER(c_uint64)
)
_FREE = ctypes.CFUNCTYPE(c_uint64, c_void_p)


class _SystemInterface(ctypes.Structure):
    """``QnnSystemInterface_t`` as far as its first three functions."""

    _fields_ = (
        ("backend_id", c_uint32),
        ("name", c_char_p),
        ("version", _Version),
        ("create", _CREATE),
        ("get_binary_info", _GET_BINARY_INFO),
        ("free", _FREE),
    )


class _Graph(ctypes.Structure):
    """``QnnSystemContext_GraphInfoV3_t``; versions 1 and 2 end before ``blob_bytes``."""

    _fields_ = (
        ("name", c_char_p),
        ("input_count", c_uint32),
        ("inputs", c_void_p),
        ("output_count", c_uint32),
        ("outputs", c_void_p),
        ("updatable_count", c_uint32),
        ("updatable", c_void_p),
        ("blob_bytes", c_uint32),
        ("blob", c_void_p),
        ("first_operation", c_uint32),
        ("last_operation", c_uint32),
    )


class _VersionedGraph(ctypes.Structure):
    _fields_ = (("version", c_uint32), ("graph", _Graph))


class _GraphBlob(ctypes.Structure):
    """``QnnHtpSystemContext_GraphBlobInfoV1_t``; VTCM is in bytes, though the header says MB."""

    _fields_ = (("spill_fill_bytes", c_uint64), ("vtcm_bytes", c_uint32))


class _VersionedGraphBlob(ctypes.Structure):
    _fields_ = (("version", c_uint32), ("blob", _GraphBlob))


_IDENTITY = (
    ("backend_id", c_uint32),
    ("build_id", c_char_p),
    ("core_api", _Version),
    ("backend_api", _Version),
    ("soc_version", c_char_p),
)
_CONTENT = (
    ("blob_bytes", c_uint64),
    ("tensor_count", c_uint32),
    ("tensors", c_void_p),
    ("graph_count", c_uint32),
    ("graphs", POINTER(_VersionedGraph)),
)


class _BinaryV1(ctypes.Structure):
    """``QnnSystemContext_BinaryInfoV1_t``, with which version 2 begins."""

    _fields_ = (
        *_IDENTITY,
        ("hardware_version", _Version),
        ("blob_version", _Version),
        ("hardware_bytes", c_uint32),
        ("hardware", c_void_p),
        *_CONTENT,
    )


class _BinaryV3(ctypes.Structure):
    """``QnnSystemContext_BinaryInfoV3_t`` as far as its graphs."""

    _fields_ = (*_IDENTITY, ("blob_version", _Version), *_CONTENT)


_BINARIES: dict[int, type[_BinaryV1] | type[_BinaryV3]] = {1: _BinaryV1, 2: _BinaryV1, 3: _BinaryV3}
_GRAPH_WITH_BLOB = 3
_BINARY_OFFSET = 8
"""Of the union behind the version in ``QnnSystemContext_BinaryInfo_t``."""


def describe_context(path: Path, context: FileRange, qnn: QnnInfo) -> ContextInfo | None:
    """Let ``libQnnSystem.so`` read the description at the head of a context binary.

    The structs are those of System/QnnSystemContext.h and HTP/QnnHtpSystemContext.h of the SDK.

    Args:
        path: The ``.pte``.
        context: Where the context is in it.
        qnn: The active QNN.

    Returns:
        None if this QNN cannot read it: it is damaged, or made by a QNN that is much newer.

    Raises:
        UserError: If the system library offers no interface.
    """
    system = _system_interface(qnn.library_directory)
    handle = c_void_p()
    if system.create(ctypes.byref(handle)):
        return None
    try:
        # A private mapping: it reads what it needs of the file, and ctypes may have its address.
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as data:
            view = ctypes.c_char.from_buffer(data, context.offset)
            info, info_bytes = c_void_p(), c_uint64()
            error = system.get_binary_info(
                *(handle, ctypes.addressof(view), context.size),
                *(ctypes.byref(info), ctypes.byref(info_bytes)),
            )
            described = None if error or not info.value else _describe(info.value)
            del view  # A mapping cannot be closed while somebody holds its address.
            return described
    finally:
        system.free(handle)


def _system_interface(directory: Path) -> _SystemInterface:
    """The library is loaded already (see :mod:`harness.backends.qnn.provider`)."""
    library = ctypes.CDLL(str(directory / SYSTEM_LIBRARY), mode=os.RTLD_NOW | os.RTLD_NOLOAD)
    interfaces, count = POINTER(POINTER(_SystemInterface))(), c_uint32()
    error = library.QnnSystemInterface_getProviders(ctypes.byref(interfaces), ctypes.byref(count))
    if error or count.value == 0:
        raise UserError(
            f"{SYSTEM_LIBRARY} in {directory} offers no interface (error {error}); install the QNN "
            "libraries again."
        )
    interface: _SystemInterface = interfaces[0].contents
    return interface


def _describe(address: int) -> ContextInfo | None:
    layout = _BINARIES.get(c_uint32.from_address(address).value)
    if layout is None:
        return None
    binary = layout.from_address(address + _BINARY_OFFSET)
    build_id = (binary.build_id or b"").decode(errors="replace")
    version = parse_version(build_id)
    if version is None:
        return None
    graphs = tuple(_graph(binary.graphs[index]) for index in range(binary.graph_count))
    return ContextInfo(build_id, version, graphs)


def _graph(versioned: _VersionedGraph) -> GraphInfo:
    graph = versioned.graph
    spill_fill_bytes, vtcm_bytes = None, None
    if versioned.version == _GRAPH_WITH_BLOB and graph.blob:
        blob = _VersionedGraphBlob.from_address(graph.blob).blob
        spill_fill_bytes, vtcm_bytes = blob.spill_fill_bytes, blob.vtcm_bytes
    name = graph.name.decode()
    return GraphInfo(name, graph.input_count, graph.output_count, spill_fill_bytes, vtcm_bytes)

"""System calls that reach what namespaces do not keep apart, refused to a virtual phone.

Keyrings are those of the user, sockets of some families are the machine's whichever network they
are opened in, and io_uring opens sockets that no filter sees.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

UNFILTERED = ("the user's keyrings", "sockets of the machine's hypervisor")
"""What is open where no filter can be set."""

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
# Classic BPF: load a word, jump if equal or if not less, return.
_LOAD, _EQUAL, _NOT_LESS, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_X32 = 0x40000000
_IO_URING = (425, 426, 427)
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
"""That are of the network namespace; a socketpair is one of the first."""

_Instruction = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Calls:
    """Numbers on an architecture.

    Attributes:
        architecture: As the kernel's audit names it.
        refused: ``add_key``, ``request_key``, ``keyctl``.
        sockets: ``socket`` and ``socketpair``.
    """

    architecture: int
    refused: tuple[int, ...]
    sockets: tuple[int, ...]


_CALLS = {
    "x86_64": _Calls(0xC000003E, (248, 249, 250), (41, 53)),
    "aarch64": _Calls(0xC00000B7, (217, 218, 219), (198, 199)),
}


def refuse_calls(libc: ctypes.CDLL) -> tuple[str, ...]:
    """Refuse them to this process and all that it starts, which must have ``no_new_privs``.

    Returns:
        What stays open, because this kernel or architecture has no such filter.
    """
    calls = _CALLS.get(os.uname().machine)
    if calls is None:
        return UNFILTERED
    program = b"".join(struct.pack("=HBBI", *one) for one in _instructions(calls))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    set_to = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0)
    return () if set_to == 0 else UNFILTERED


def _instructions(calls: _Calls) -> Iterator[_Instruction]:
    """A call of another architecture, or refused whatever it asks; then sockets by family."""
    yield _LOAD, 0, 0, _ARCHITECTURE_AT
    yield _EQUAL, 1, 0, calls.architecture
    yield _refusal(errno.ENOSYS)
    yield _LOAD, 0, 0, _NUMBER_AT
    yield _NOT_LESS, 0, 1, _X32
    yield _refusal(errno.ENOSYS)
    for numbers, error in ((calls.refused, errno.EPERM), (_IO_URING, errno.ENOSYS)):
        yield from _if_any(numbers, _refusal(error))
    families = [(_LOAD, 0, 0, _FIRST_ARGUMENT_AT), *_if_any(_FAMILIES, (_RETURN, 0, 0, _ALLOW))]
    yield from _unless_any(calls.sockets, [*families, _refusal(errno.EAFNOSUPPORT)])
    yield _RETURN, 0, 0, _ALLOW


def _refusal(error: int) -> _Instruction:
    return _RETURN, 0, 0, _ERRNO | error


def _if_any(values: Sequence[int], then: _Instruction) -> Iterator[_Instruction]:
    for value in values:
        yield _EQUAL, 0, 1, value
        yield then


def _unless_any(values: Sequence[int], skipped: Sequence[_Instruction]) -> Iterator[_Instruction]:
    """Jump over instructions unless what is loaded is one of the values."""
    for place, value in enumerate(values, start=1):
        left = len(values) - place
        yield _EQUAL, left, 0 if left else len(skipped), value
    yield from skipped

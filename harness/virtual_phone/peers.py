"""Who is at the other end of a loopback connection: other users of the machine are turned away.

TCP tells no credentials, but Linux knows the owner of every socket (``sock_diag(7)``, ``proc(5)``:
``/proc/net/tcp``). A socket that its owner has closed already is nobody's, and nobody is let in.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOOKS = 5
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_HEADER_BYTES, _OWNER_AT, _ANSWER_S = 16, 64, 1.0
_LOCAL, _REMOTE, _UID, _INODE = 1, 2, 7, 9

Address = tuple[str, int]


def can_tell_users() -> bool:
    """Whether this machine says whose a connection is."""
    return _TABLES[0].exists()


def is_from_this_user(connection: socket.socket) -> bool:
    """Whether a connection that was accepted on loopback was made by the user of this process.

    Everybody passes where the machine does not tell.
    """
    if not can_tell_users():
        return True
    try:
        ours, theirs = connection.getsockname(), connection.getpeername()
    except OSError:
        return False  # It is gone, and who it was with it.
    return owner_of(theirs[:2], ours[:2]) == os.geteuid()


def owner_of(local: Address, remote: Address) -> int | None:
    """User who holds the socket between two addresses of this machine; None if nobody does.

    The kernel hands the table out in pieces, and between two of them others' connections come and
    go, so a row may be left out; one that is there is found on another look.
    """
    with contextlib.suppress(OSError):
        return _asked_owner(local, remote)
    for _ in range(_LOOKS):
        for table in filter(Path.exists, _TABLES):
            if (owner := _listed_owner(table.read_text(), local, remote)) is not None:
                return owner
    return None


def _asked_owner(local: Address, remote: Address) -> int | None:
    """Ask the kernel for one socket (``sock_diag(7)``), which costs the same beside many others.

    Raises:
        OSError: If this kernel is not asked so.
    """
    ports = struct.pack("!HH", local[1], remote[1])
    hosts = (socket.inet_aton(host).ljust(16, b"\0") for host in (local[0], remote[0]))
    asked = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
    asked += ports + b"".join(hosts) + bytes(4) + b"\xff" * 8
    header = struct.pack("=IHHII", _HEADER_BYTES + len(asked), _SOCK_DIAG_BY_FAMILY, 1, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_ANSWER_S)
        kernel.sendall(header + asked)
        answer = kernel.recv(4096)
    if struct.unpack_from("=H", answer, 4)[0] != _SOCK_DIAG_BY_FAMILY:
        raise OSError("the kernel knows no such socket, or no such question")
    owner, inode = struct.unpack_from("=II", answer, _HEADER_BYTES + _OWNER_AT)
    return int(owner) if inode else None


def _listed_owner(table: str, local: Address, remote: Address) -> int | None:
    ports = f":{local[1]:04X}", f":{remote[1]:04X}"
    for line in table.splitlines()[1:]:
        fields = line.split()
        if not (fields[_LOCAL].endswith(ports[0]) and fields[_REMOTE].endswith(ports[1])):
            continue
        pair = _parse_address(fields[_LOCAL]), _parse_address(fields[_REMOTE])
        if pair == (local, remote) and fields[_INODE] != "0":
            return int(fields[_UID])
    return None


def _parse_address(text: str) -> Address:
    """Words of 32 bits in the machine's order, in hexadecimal, and the port."""
    host, _, port = text.partition(":")
    words = [int(host[start : start + 8], 16) for start in range(0, len(host), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    address: Any = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(port, 16)

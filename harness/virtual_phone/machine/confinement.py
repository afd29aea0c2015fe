"""What ``init`` does to itself before it starts anything: a root of its own, and no rights.

The old root is unmounted, so that no path, link or descriptor leads back to it; what is mounted in
the new one is all there is. Linux alone.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from typing import Any

from harness.virtual_phone.machine.call_filter import refuse_calls

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 0x1, 0x2, 0x4, 0x8
_REMOUNT, _BIND, _REC, _DETACH = 0x20, 0x1000, 0x4000, 0x2
# statvfs's flags of a mount that a remount has to keep, as the kernel's flags of a mount.
_KEPT_FLAGS = {0x1: 0x1, 0x2: 0x2, 0x4: 0x4, 0x8: 0x8}
_KEPT_FLAGS |= {0x400: 0x400, 0x800: 0x800, 0x1000: 0x200000}
_PR_SET_DUMPABLE, _PR_CAPBSET_READ, _PR_CAPBSET_DROP = 4, 23, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_NAMESPACES = {
    "network": 0x40000000,
    "shared memory of System V": 0x08000000,
    "host name": 0x04000000,
}
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
# Written or read there, these reach the kernel that the machine and the phone share.
_PROC_FOLDERS = ("acpi", "asound", "bus", "fs", "irq", "scsi", "sys")
_PROC_FILES = (
    "kcore",
    "keys",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "sysrq-trigger",
    "timer_list",
)

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    """Raise the error of a call of libc's that failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def enter(order: dict[str, Any]) -> list[str]:
    """Make the ordered root this process's, and give up all rights beyond its user's.

    Args:
        order: What ``mount_order`` says.

    Returns:
        What of the machine stays shared because the kernel does not separate it.
    """
    shared = [name for name, flag in _NAMESPACES.items() if libc.unshare(flag) != 0]
    if "network" not in shared:
        _raise_loopback()
    root = order["root"]
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755,size=64m")
    for target, text in order["files"].items():
        _make_file(root + target, text)
    for target, link in order["links"].items():
        os.symlink(link, root + target)
    for target, source in order["writable"].items():
        _bind(source, root + target, _NOSUID | _NODEV)
    for target, source in order["readable"].items():
        _bind(source, root + target, _NOSUID | _NODEV | _RDONLY)
    for target, source in order["writable_within"].items():
        _bind(source, root + target, _NOSUID | _NODEV)
    _mount_devices(f"{root}/dev")
    _mount_proc(f"{root}/proc", order["over_proc"])
    _flag(root, _NOSUID | _NODEV | _RDONLY)
    os.chdir(root)
    check(libc.pivot_root(b".", b"."), "pivot_root")
    check(libc.umount2(b".", _DETACH), "unmount the old root")
    os.chdir("/")
    os.umask(0)
    _give_up_rights()
    return [*shared, *refuse_calls(libc)]


def _bind(source: str, target: str, flags: int) -> None:
    """Show a file or folder at another path too; one that lies in a foreign one is refused."""
    if os.path.realpath(target) != target:
        raise OSError(f"{target} leads to {os.path.realpath(target)}")
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        _make_file(target, "")
    _mount(source, target, None, _BIND)
    _flag(target, flags)


def _flag(target: str, flags: int) -> None:
    has = os.statvfs(target).f_flag
    kept = sum(flag for shown, flag in _KEPT_FLAGS.items() if has & shown and not flags & flag)
    _mount(None, target, None, _REMOUNT | _BIND | flags | kept)


def _make_file(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        with open(path, "x") as file:
            file.write(text)


def _mount_devices(folder: str) -> None:
    """A ``/dev`` with what every program may use, and no disk, terminal or memory."""
    os.makedirs(folder, exist_ok=True)
    _mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, "mode=755,size=256m")
    for name in _DEVICES:
        _make_file(f"{folder}/{name}", "")
        _mount(f"/dev/{name}", f"{folder}/{name}", None, _BIND)
    for name, link in _DEVICE_LINKS.items():
        os.symlink(f"/proc/self/{link}", f"{folder}/{name}")
    os.mkdir(f"{folder}/shm")
    os.chmod(f"{folder}/shm", 0o1777)


def _mount_proc(folder: str, over: dict[str, str]) -> None:
    """The phone's own processes; what is written there changes nothing of the machine."""
    os.makedirs(folder, exist_ok=True)
    _mount("proc", folder, "proc", _NOSUID | _NODEV | _NOEXEC)
    for name in filter(lambda name: os.path.exists(f"{folder}/{name}"), _PROC_FOLDERS):
        _mount(f"{folder}/{name}", f"{folder}/{name}", None, _BIND | _REC)
        _flag(f"{folder}/{name}", _NOSUID | _NODEV | _NOEXEC | _RDONLY)
    for name in filter(lambda name: os.path.exists(f"{folder}/{name}"), _PROC_FILES):
        _mount("/dev/null", f"{folder}/{name}", None, _BIND)
    for name, source in over.items():
        _mount(source, f"{folder}/{name}", None, _BIND)
        _flag(f"{folder}/{name}", _NOSUID | _NODEV | _NOEXEC | _RDONLY)


def _raise_loopback() -> None:
    """A network namespace begins with a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def _give_up_rights() -> None:
    """Drop every capability for good, and let no child look into this process, its parent.

    An empty bounding set and ``no_new_privs`` keep programs from getting any back.
    """
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            check(libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "drop a capability")
    check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear capabilities")
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, bytes(24)), "drop capabilities")
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    check(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    data = None if options is None else options.encode()
    result = libc.mount(*encoded, ctypes.c_ulong(flags), data)
    check(result, f"mount {source} on {target}")

"""Run on a virtual phone: tries every known way out, and prints which of them went well."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_HERE = Path("/data/local/tmp")
_PTRACE_ATTACH = 16
_MS_BIND = 0x1000
_AF_ALG, _AF_VSOCK = 38, 40
_KEYCTL, _ADD_KEY = {"aarch64": (219, 217)}.get(os.uname().machine, (250, 248))
_IO_URING_SETUP = 425
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _walk_up_from_a_second_chroot() -> None:
    outside = os.open("/", os.O_RDONLY)
    (_HERE / "inner").mkdir(exist_ok=True)
    os.chroot(_HERE / "inner")
    os.fchdir(outside)


def _mount() -> None:
    _check(_libc.mount(b"/usr", os.fsencode(_HERE), None, ctypes.c_ulong(_MS_BIND), None))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _ways(secret: str, host_pid: int, port: int) -> dict[str, Callable[[], object]]:
    def connect() -> None:
        socket.create_connection(("127.0.0.1", port), timeout=5)

    return {
        "open": lambda: open(secret),
        "climb": lambda: open(f"/{'../' * 40}{secret}"),
        "root of the first process": lambda: open(f"/proc/1/root{secret}"),
        "folder of the first process": lambda: os.listdir("/proc/1/cwd"),
        "memory of the first process": lambda: open("/proc/1/mem", "rb"),
        "own root": lambda: open(f"/proc/self/root{secret}"),
        "chroot": _walk_up_from_a_second_chroot,
        "mount": _mount,
        "writable programs": lambda: _run("unshare", "-Ur", "mount", "-o", "remount,rw", "/usr"),
        "another proc": lambda: _run("unshare", "-Urmpf", "mount", "-t", "proc", "p", "/proc"),
        "host disk": lambda: os.mknod(_HERE / "disk", stat.S_IFBLK, os.makedev(254, 0)),
        "host memory": lambda: open("/dev/mem"),
        "kernel setting": lambda: open("/proc/sys/kernel/core_pattern", "w"),
        "programs": lambda: open("/usr/bin/snapgate-escape", "w"),
        "passwords": lambda: open("/etc/shadow"),
        "ptrace": lambda: _check(_libc.ptrace(_PTRACE_ATTACH, host_pid, None, None)),
        "ptrace of the first process": lambda: _check(_libc.ptrace(_PTRACE_ATTACH, 1, None, None)),
        "signal": lambda: os.kill(host_pid, 0),
        "another user": lambda: os.setuid(4321),
        "keyring of the session": lambda: _check(_libc.syscall(_KEYCTL, 0, -3, 0)),
        "keyring of the user": lambda: _check(_libc.syscall(_KEYCTL, 0, -4, 1)),
        "keys": lambda: _check(_libc.syscall(_ADD_KEY, b"user", b"of-a-phone", b"1", 1, -4)),
        "io_uring": lambda: _check(_libc.syscall(_IO_URING_SETUP, 1, bytes(120))),
        "hypervisor": lambda: socket.socket(_AF_VSOCK, socket.SOCK_STREAM),
        "cryptography of the kernel": lambda: socket.socket(_AF_ALG, socket.SOCK_SEQPACKET),
        "host network": connect,
    }


def main(secret: str, host_pid: str, port: str) -> None:
    """Print the ways that led out, as JSON."""
    led_out = []
    for name, way in _ways(secret, int(host_pid), int(port)).items():
        try:
            way()
        except (OSError, subprocess.CalledProcessError):
            continue
        led_out.append(name)
    print(json.dumps(led_out))


if __name__ == "__main__":
    main(*sys.argv[1:])

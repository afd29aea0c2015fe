"""First process of a virtual phone: starts, reaps and ends all the others.

Run by path, in a process of its own, with the number of an inherited socket. It imports the
standard library alone, so that it starts at once. In a PID namespace of its own the kernel ends
every process of the phone with it, however it ends; without one it is their reaper, and ends them
when the socket closes. The messages are JSON objects; ``sandbox`` is the other end.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import sys
import termios
from pathlib import Path
from typing import Any

MESSAGE_BYTES = 1 << 20

_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC = 0x1, 0x20, 0x1000, 0x4000
# statvfs's flags of a mount that a remount has to keep, as the kernel's flags of a mount.
_KEPT_FLAGS = {0x2: 0x2, 0x4: 0x4, 0x8: 0x8, 0x400: 0x400, 0x800: 0x800, 0x1000: 0x200000}
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def main(descriptor: int) -> None:
    """Prepare the file system as the first message says, then serve until the socket closes."""
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    order = json.loads(channel.recv(MESSAGE_BYTES))
    try:
        if order["root"] is None:
            _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
        else:
            _enter(order["root"], order["shared"], order["bound"], order["over"])
    except OSError as error:
        channel.send(json.dumps({"error": str(error)}).encode())
        return
    channel.send(b'{"ready": true}')
    Processes(channel).serve()


def _enter(root: str, shared: list[str], bound: list[str], over: dict[str, str]) -> None:
    """Make a folder this process's root.

    Args:
        root: Folder that becomes the root.
        shared: Folders of this machine that the phone sees at the same path and cannot change.
        bound: Folders of this machine that it sees with all that is mounted in them.
        over: Files of the phone that are mounted over others of it.
    """
    for path in bound:
        _mount(path, root + path, None, _MS_BIND | _MS_REC)
    for path in shared:
        _mount(path, root + path, None, _MS_BIND)
        has = os.statvfs(root + path).f_flag
        kept = sum(flag for shown, flag in _KEPT_FLAGS.items() if has & shown)
        _mount(None, root + path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)
    _mount("proc", root + "/proc", "proc", 0)
    for source, target in over.items():
        _mount(source, target, None, _MS_BIND)
    os.chroot(root)
    os.chdir("/")
    os.umask(0)


def _mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), None), f"mount {source} on {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


class Processes:
    """The processes of a phone.

    Args:
        channel: Where orders come from and exit codes go to.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._names: dict[int, int] = {}

    def serve(self) -> None:
        """Obey until the other end closes, then end everything."""
        awake, wake = os.pipe()
        for end in (awake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self._channel.fileno(), awake], [], [])
            if awake in ready:
                os.read(awake, 4096)
                self._reap()
            if self._channel.fileno() in ready and not self._obey():
                break
        _end_descendants()

    def _obey(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._channel, MESSAGE_BYTES, 3)
        if not message:
            return False
        # They arrive inheritable, and a daemon that kept a copy would keep the stream open.
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        order = json.loads(message)
        if "argv" in order:
            pid = _start(order, descriptors)
            self._names[pid] = order["name"]
            for descriptor in descriptors:
                os.close(descriptor)
        else:
            for pid, name in self._names.items():
                if name == order["hang_up"]:
                    os.kill(pid, signal.SIGHUP)
        return True

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                name = self._names.pop(pid, None)
                if name is not None:
                    code = os.waitstatus_to_exitcode(status)
                    self._tell({"name": name, "exit_code": code if code >= 0 else 128 - code})

    def _tell(self, message: dict[str, int]) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._channel.send(json.dumps(message).encode())


def _start(order: dict[str, Any], descriptors: list[int]) -> int:
    """Fork and execute; only this thread exists here, so both are safe."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        if order["terminal"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(order["folder"])
        os.execve(order["argv"][0], order["argv"], order["environment"])
    except OSError as error:
        os.write(2, f"{order['argv'][0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _end_descendants() -> None:
    """End what is left, until nothing is: orphans become children of this process."""
    while children := _children(os.getpid()):
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(entry.name))
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]))

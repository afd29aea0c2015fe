"""First process of a virtual phone: starts, reaps and ends all the others.

``sandbox`` runs it in a process of its own, with the number of an inherited socket. It imports the
standard library and what confines it alone, so that it starts at once. In a PID namespace of its
own the kernel ends every process of the phone with it, however it ends; without one it is their
reaper, and ends them when the socket closes. The messages are JSON objects; ``sandbox`` is the
other end.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import termios
from pathlib import Path
from typing import Any

from harness.virtual_phone.machine import confinement

MESSAGE_BYTES = 1 << 20

_PR_SET_CHILD_SUBREAPER = 36


def main(descriptor: int) -> None:
    """Prepare the file system as the first message says, then serve until the socket closes."""
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    order = json.loads(channel.recv(MESSAGE_BYTES))
    try:
        shared = confinement.enter(order) if order else _become_reaper()
    except OSError as error:
        channel.send(json.dumps({"error": str(error)}).encode())
        return
    channel.send(json.dumps({"shared": shared}).encode())
    Processes(channel).serve()


def _become_reaper() -> list[str]:
    reaper = confinement.libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    confinement.check(reaper, "become the reaper of the phone's processes")
    return []


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
        elif "socket" in order:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as of_phone:
                answer = json.dumps({"name": order["socket"]}).encode()
                socket.send_fds(self._channel, [answer], [of_phone.fileno()])
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

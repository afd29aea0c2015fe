"""Where a virtual phone's commands run, so that its paths are exact and the machine is safe."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import harness
from harness.mounts import is_noexec
from harness.virtual_phone.machine import init
from harness.virtual_phone.machine.mount_order import mount_order
from harness.virtual_phone.machine.root_folder import HOME, RootFolder

Isolation = Literal["chroot", "rewrite"]

_INIT = """\
import sys
sys.path.append(sys.argv[2])
from harness.virtual_phone.machine.init import main
main(int(sys.argv[1]))
"""
_START_S = 10.0
_END_S = 10.0


class NoSandbox(Exception):
    """The machine does not let a phone have this kind of sandbox; the text says why."""


@dataclass(frozen=True)
class Child:
    """A process that ``init`` started.

    Attributes:
        name: Number that it has between the sandbox and ``init``.
        exit_code: Known once it ended; 128 and more for the signal that ended it.
    """

    name: int
    exit_code: asyncio.Future[int]


class Sandbox:
    """A phone's first process, and all that it starts. Lives from boot to reboot.

    Args:
        root: Folder of the phone's files.
        isolation: ``chroot`` for a root of its own in namespaces of its own, without capabilities;
            ``rewrite`` replaces the phone's paths in commands, which confines nothing: a script
            that names ``/data`` breaks, and one that names other paths reaches them.

    Attributes:
        shared: What of this machine the phone's commands reach beyond what is mounted for them.

    Raises:
        NoSandbox: If the machine does not allow it.
    """

    def __init__(self, root: RootFolder, isolation: Isolation) -> None:
        self.isolation = isolation
        self._root = root
        self._names = 0
        self._children: dict[int, Child] = {}
        self._sockets: dict[int, asyncio.Future[socket.socket]] = {}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel = ours
        with theirs:
            python = (*_namespaces(isolation), sys.executable, "-I", "-S", "-c", _INIT)
            project = str(Path(harness.__file__).parents[1])
            self._process = subprocess.Popen(
                (*python, str(theirs.fileno()), project),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # Ctrl-C at a terminal is for the session, which needs the phone to end its run.
                process_group=0,
            )
        try:
            self.shared = self._boot()
        except NoSandbox:
            self.end()
            raise

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Learn of exit codes in this loop."""
        self._channel.setblocking(False)
        loop.add_reader(self._channel, self._hear)

    def start(self, command: str, descriptors: tuple[int, int, int], terminal: bool) -> Child:
        """Start a shell command, or a shell that reads commands where it is empty.

        Args:
            command: Shell text, as the host sent it.
            descriptors: Its standard input, output and error; the caller closes them.
            terminal: Whether they are a terminal, to be its controlling one.
        """
        self._names += 1
        child = Child(self._names, asyncio.get_running_loop().create_future())
        self._children[child.name] = child
        here = "" if self.isolation == "chroot" else str(self._root.folder)
        if here:
            command = self._root.rewrite(command)
        order = {
            "name": child.name,
            # A word of a command line ends at a NUL, and so did adbd's.
            "argv": ["/bin/sh", "-c", command.split("\0")[0]] if command else ["/bin/sh"],
            "environment": _environment(here),
            "folder": here or "/",
            "terminal": terminal,
        }
        socket.send_fds(self._channel, [_encode(order)], list(descriptors))
        return child

    async def open_socket(self) -> socket.socket:
        """A TCP socket of the phone's own network, not connected yet."""
        self._names += 1
        opened: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        self._sockets[self._names] = opened
        self._channel.send(_encode({"socket": self._names}))
        return await opened

    def hang_up(self, child: Child) -> None:
        """Do what adbd does when the far end goes: SIGHUP, to the direct child alone."""
        if not child.exit_code.done():
            self._channel.send(_encode({"hang_up": child.name}))

    def end(self) -> None:
        """End every process of the phone, daemons too, and wait until they are gone."""
        self._channel.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        for child in self._children.values():
            if not child.exit_code.done():
                child.exit_code.cancel()
        for opened in self._sockets.values():
            opened.cancel()

    def stop_serving(self, loop: asyncio.AbstractEventLoop) -> None:
        """Learn of no more exit codes."""
        loop.remove_reader(self._channel)

    def _boot(self) -> tuple[str, ...]:
        order = mount_order(self._root) if self.isolation == "chroot" else None
        self._channel.settimeout(_START_S)
        try:
            self._channel.send(_encode(order))
            answer = self._channel.recv(init.MESSAGE_BYTES)
        except OSError as error:
            raise NoSandbox(f"the phone's first process did not start: {error}") from error
        if not answer:
            assert self._process.stderr is not None
            said = self._process.stderr.read().decode(errors="replace").strip()
            raise NoSandbox(said or "the phone's first process ended at once")
        told = json.loads(answer)
        if "error" in told:
            raise NoSandbox(told["error"])
        if self.isolation == "rewrite":
            return (f"everything that user {os.geteuid()} may read, change and run",)
        return tuple(told["shared"])

    def _hear(self) -> None:
        message, opened, _, _ = socket.recv_fds(self._channel, init.MESSAGE_BYTES, 1)
        if not message:
            asyncio.get_running_loop().remove_reader(self._channel)
            return
        ended = json.loads(message)
        for descriptor in opened:
            self._sockets.pop(ended["name"]).set_result(socket.socket(fileno=descriptor))
            return
        child = self._children.pop(ended["name"])
        if not child.exit_code.done():
            child.exit_code.set_result(ended["exit_code"])


def start_sandbox(
    folder: Path, isolation: Isolation | None
) -> tuple[RootFolder, Sandbox, str | None]:
    """Give a phone its files and its first process.

    Args:
        folder: Folder of the files.
        isolation: What is demanded; None for the best that the machine allows.

    Returns:
        Both, and why the better sandbox was not to be had; None where it was, or was not asked for.

    Raises:
        NoSandbox: If what is demanded is not to be had.
    """
    if is_noexec(folder):
        raise NoSandbox(
            f"{folder} is mounted noexec, and the phone runs programs from there; set TMPDIR, or "
            "--root, to a folder that is not"
        )
    if isolation is not None:
        root = RootFolder(folder, in_chroot=isolation == "chroot")
        return root, Sandbox(root, isolation), None
    root = RootFolder(folder, in_chroot=True)
    try:
        return root, Sandbox(root, "chroot"), None
    except NoSandbox as error:
        root = RootFolder(folder, in_chroot=False)
        return root, Sandbox(root, "rewrite"), str(error)


def _namespaces(isolation: Isolation) -> tuple[str, ...]:
    if isolation == "rewrite":
        return ()
    program = shutil.which("unshare")
    if program is None:
        raise NoSandbox("there is no program unshare (package util-linux)")
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    private = ("--mount", "--pid", "--fork", "--kill-child", "--propagation", "private")
    return (program, *private, *as_root, "--")


def _environment(here: str) -> dict[str, str]:
    return {
        "PATH": f"{here}/system/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": f"{here}/{HOME}",
        "TMPDIR": f"{here}/{HOME}",
        "ANDROID_DATA": f"{here}/data",
        "ANDROID_ROOT": f"{here}/system",
        "USER": "shell",
        "TERM": "dumb",
    }


def _encode(message: dict[str, Any] | None) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode(errors="surrogateescape")

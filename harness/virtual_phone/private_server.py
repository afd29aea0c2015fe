"""A real adb server of its own: own port, own home, own user, no phones but those it is given."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from harness.run_folder import run_folder
from harness.virtual_phone.controls import PhoneControls
from harness.virtual_phone.protocol.server_requests import (
    ServerRefused,
    ask_server,
    connect_phone,
    disconnect_phone,
)
from harness.virtual_phone.server_door import ServerDoor

_SOCKET = "server.socket"
_START_S = 20.0
_END_S = 5.0
_STATE_S = 20.0
_POLL_S = 0.02
_WATCH = """
import os, signal, sys
sys.stdin.read()
os.kill(int(sys.argv[1]), signal.SIGKILL)
"""
"""Python that ends a server once its standard input ends, as it does however its owner dies."""

_WORDS_OF_SUCCESS = ("connected to", "already connected to")


class ServerFailed(Exception):
    """The adb server did not start, or did not take a phone; the text says why."""


class PrivateAdbServer:
    """Runs from ``with`` to its end, or until its owner is killed; is ended by its process id.

    Args:
        adb_program: Program of the server.

    Attributes:
        home: The server's ``HOME``, where its key is.

    Raises:
        ServerFailed: If it does not start.
    """

    def __init__(self, adb_program: Path) -> None:
        self.adb_program = adb_program
        self.port = _free_port()
        self._ending = ExitStack()
        self.home = self._ending.enter_context(run_folder())
        self._phones: list[PhoneControls] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except ServerFailed:
            self._ending.close()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self._end()
        self._ending.close()

    @property
    def process_id(self) -> int:
        """Process id of the server."""
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """For programs that shall use this server: its port, its home, its adb."""
        own = {
            "HOME": str(self.home),
            "ANDROID_USER_HOME": str(self.home / ".android"),
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "ADBUTILS_ADB_PATH": str(self.adb_program),
            "ADB_MDNS": "0",
            "ADB_MDNS_AUTO_CONNECT": "0",
            "ADB_USB": "0",
            "ADB_EMU": "0",
        }
        foreign = ("ADB_SERVER_SOCKET", "ADB_VENDOR_KEYS", "ANDROID_SERIAL")
        inherited = {name: value for name, value in os.environ.items() if name not in foreign}
        return {**inherited, **own}

    def attach(self, phone: PhoneControls) -> str:
        """Plug a phone in, wait until it is usable, and return its serial.

        Raises:
            ServerFailed: If it is not usable; the text has the server's words.
        """
        said = self.plug_in(phone)
        if not said.startswith(_WORDS_OF_SUCCESS):
            raise ServerFailed(f"{phone.serial}: {said}")
        end_s = time.monotonic() + _STATE_S
        while (state := self.state_of(phone)) != "device":
            if time.monotonic() > end_s:
                raise ServerFailed(f"{phone.serial} is {state or 'absent'}, not device")
            time.sleep(_POLL_S)
        return phone.serial

    def plug_in(self, phone: PhoneControls) -> str:
        """Plug a phone in, usable or not, and return the server's words."""
        if phone not in self._phones:
            self._phones.append(phone)
        phone.plug_into(self.port)
        return connect_phone(self.port, phone.port)

    def unplug(self, phone: PhoneControls) -> None:
        """Let the server forget a phone, if it knows it; plugged in, it is another transport."""
        if phone in self._phones:
            self._phones.remove(phone)
        disconnect_phone(self.port, phone.port)

    def state_of(self, phone: PhoneControls) -> str | None:
        """What the server lists a phone as, None if it does not."""
        for line in ask_server(self.port, "host:devices").splitlines():
            serial, _, state = line.partition("\t")
            if serial == phone.serial:
                return state
        return None

    def transport_id_of(self, phone: PhoneControls) -> int | None:
        """The server's number of a phone's transport, None if it does not list the phone."""
        for line in ask_server(self.port, "host:devices-l").splitlines():
            words = line.split()
            if words[0] == phone.serial:
                return int(words[-1].removeprefix("transport_id:"))
        return None

    def restart(self) -> None:
        """End the server and start it anew on the same port, with the phones that it had.

        Phones over USB are found by themselves, so these are as well.
        """
        self._end()
        self._start()
        for phone in self._phones:
            connect_phone(self.port, phone.port)

    def kill(self) -> None:
        """End the server as the kernel does for want of memory; its port stays taken."""
        self._end_watcher()
        self._process.kill()
        self._process.wait()

    def revive(self) -> None:
        """Start the server anew that was killed, with the phones that it had."""
        self._start_process()
        self._wait_for_answer(self._end_process)
        for phone in self._phones:
            connect_phone(self.port, phone.port)

    def _start(self) -> None:
        self._start_process()
        try:
            self._door = ServerDoor(self.port, self.home / _SOCKET).__enter__()
        except OSError as error:
            self._end_process()
            raise ServerFailed(f"{self.adb_program} gets no port: {error}") from error
        self._wait_for_answer(self._end)

    def _start_process(self) -> None:
        (self.home / _SOCKET).unlink(missing_ok=True)
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                (str(self.adb_program), "-L", f"localfilesystem:{_SOCKET}", "nodaemon", "server"),
                # A socket's address is short, and the way to a folder may be long.
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C at a terminal is for the session, which ends the server when it is done.
                process_group=0,
            )
        self._watcher = subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", _WATCH, str(self._process.pid)),
            stdin=subprocess.PIPE,
            process_group=0,
        )

    def _wait_for_answer(self, give_up: Callable[[], None]) -> None:
        end_s = time.monotonic() + _START_S
        while not self._answers():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > end_s:
                give_up()
                words = (self.home / "server.log").read_text(errors="replace").strip()
                raise ServerFailed(f"{self.adb_program} serves no port {self.port}: {words}")
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        try:
            ask_server(self.port, "host:version")
        except (OSError, ServerRefused):
            return False
        return True

    def _end(self) -> None:
        self._door.__exit__()
        self._end_process()

    def _end_watcher(self) -> None:
        """Before the server ends, whose process id may be another's then."""
        self._watcher.kill()
        self._watcher.communicate()

    def _end_process(self) -> None:
        self._end_watcher()
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port

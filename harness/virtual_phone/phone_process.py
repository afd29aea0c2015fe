"""A virtual phone in a process of its own, with the same controls."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Self

from harness.virtual_phone.command_line import Announcement
from harness.virtual_phone.controls import ControlRequest, PhoneControls, PhoneStatus

_END_S = 15.0
_CALL_S = 30.0


class PhoneFailed(Exception):
    """The phone's process did not start, or refused a control; the text says why."""


class PhoneProcess(PhoneControls):
    """Runs from ``with`` to its end; it ends with this process, however that ends.

    Args:
        arguments: Arguments of ``python -m harness.virtual_phone``.

    Raises:
        PhoneFailed: If it does not start.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._arguments = tuple(arguments)

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "harness.virtual_phone", *self._arguments)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, said = self._process.communicate()
            raise PhoneFailed(said.decode(errors="replace").strip())
        self.announcement = Announcement.model_validate_json(line)
        host, _, port = self.announcement.control.partition(":")
        self._control = socket.create_connection((host, int(port)), timeout=_CALL_S)
        self._answers = self._control.makefile("rb")
        return self

    def __exit__(self, *failure: object) -> None:
        self._answers.close()
        self._control.close()
        try:
            self._process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def port(self) -> int:
        """Port that the adb server connects to."""
        return self.announcement.port

    @property
    def pid(self) -> int:
        """Number of the phone's process."""
        return self._process.pid

    def control(self, request: ControlRequest) -> PhoneStatus:
        """Change the phone, and tell how it is then.

        Raises:
            PhoneFailed: If it refuses.
        """
        self._control.sendall(f"{request.model_dump_json()}\n".encode())
        line = self._answers.readline()
        if not line:
            raise PhoneFailed("the phone's process is gone")
        answer = json.loads(line)
        if "error" in answer:
            raise PhoneFailed(answer["error"])
        return PhoneStatus.model_validate(answer)

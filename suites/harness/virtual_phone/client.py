"""The real adb client, as a person would type it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from harness.virtual_phone.controls import PhoneControls
from harness.virtual_phone.private_server import PrivateAdbServer

_PATIENCE_S = 20.0
_POLL_S = 0.02

Answer = subprocess.CompletedProcess[bytes]


def run_client(server: PrivateAdbServer, *arguments: str, timeout_s: float = 60.0) -> Answer:
    """Run the server's own adb as a client of it."""
    return subprocess.run(
        (str(server.adb_program), "-P", str(server.port), *arguments),
        env=server.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )


def adb(server: PrivateAdbServer, phone: PhoneControls, *arguments: str) -> Answer:
    """Run ``adb -s PHONE ...``."""
    return run_client(server, "-s", phone.serial, *arguments, timeout_s=_PATIENCE_S)


def shell(server: PrivateAdbServer, phone: PhoneControls, command: str) -> str:
    """Standard output of a command that has to succeed."""
    answer = adb(server, phone, "shell", command)
    assert answer.returncode == 0, answer
    return answer.stdout.decode()


def words(answer: Answer) -> str:
    """All that adb said; its builds differ in where they say it."""
    return (answer.stdout + answer.stderr).decode()


def start(
    server: PrivateAdbServer, phone: PhoneControls, *arguments: str
) -> subprocess.Popen[bytes]:
    """Start ``adb -s PHONE ...`` and go on."""
    return subprocess.Popen(
        (str(server.adb_program), "-P", str(server.port), "-s", phone.serial, *arguments),
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something that is sure to happen."""
    end_s = time.monotonic() + _PATIENCE_S
    while not happened():
        assert time.monotonic() < end_s, "it never happened"
        time.sleep(_POLL_S)


def wait_for_content(file: Path) -> str:
    """What a command writes into a file, which a shell makes empty before the command begins."""
    wait_until(lambda: file.exists() and file.stat().st_size > 0)
    return file.read_text()


def wait_for_state(server: PrivateAdbServer, phone: PhoneControls, state: str | None) -> None:
    """Wait until the server lists a phone so."""
    wait_until(lambda: server.state_of(phone) == state)


def wait_until_back(server: PrivateAdbServer, phone: PhoneControls) -> None:
    """Wait until a phone answers; a server lists one as before for a moment after a drop."""
    wait_until(lambda: adb(server, phone, "shell", "true").returncode == 0)

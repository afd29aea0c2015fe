"""``python -m harness.virtual_phone``: a virtual phone as a process, controlled over loopback."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from harness.run_folder import run_folder
from harness.virtual_phone.controls import ControlRequest
from harness.virtual_phone.machine.sandbox import Isolation, NoSandbox
from harness.virtual_phone.machine.virtual_build import loadable_targets
from harness.virtual_phone.peers import is_from_this_user
from harness.virtual_phone.profile import PhoneProfile, default_properties
from harness.virtual_phone.protocol.adbd import Adbd

_LINE_BYTES = 1 << 20

_STDIN = 0


class ControlServer:
    """Serves the controls of a phone."""

    def __init__(self, adbd: Adbd) -> None:
        self._adbd = adbd

    async def start(self) -> int:
        """Take connections from now on; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LINE_BYTES)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def stop(self) -> None:
        """Take no more connections."""
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_from_this_user(writer.get_extra_info("socket")):
            writer.transport.abort()
            return
        try:
            while line := await reader.readline():
                writer.write(f"{self._answer(line)}\n".encode())
                await writer.drain()
        except ConnectionError:
            return  # Whoever asked is gone.
        finally:
            writer.close()

    def _answer(self, line: bytes) -> str:
        try:
            status = self._adbd.control(ControlRequest.model_validate_json(line))
        except (ValidationError, ValueError) as error:
            return json.dumps({"error": str(error)})
        return status.model_dump_json()


class Announcement(BaseModel, frozen=True):
    """The one line that the process prints, as JSON.

    Attributes:
        serial: What the adb server calls the phone.
        port: Port that the adb server connects to.
        control: Address of the controls.
        serialno: Serial number, the phone's ``ro.serialno``.
        soc: SoC, the phone's ``ro.soc.model``.
        root: Folder of its files.
        isolation: Kind of sandbox.
        isolation_reason: Why it is not the better one.
        shared: As in ``PhoneStatus``: what is not kept apart here.
        pid: Number of the process.
    """

    serial: str
    port: int
    control: str
    serialno: str
    soc: str
    root: Path
    isolation: Isolation
    isolation_reason: str | None
    shared: tuple[str, ...]
    pid: int


def main(arguments: Sequence[str]) -> int:
    """Be a phone until standard input ends or a signal comes.

    Returns:
        The exit code: 0, or 2 if the phone cannot be started as asked.
    """
    options = _parse(arguments)
    with contextlib.ExitStack() as cleaning:
        root: Path = options.root or cleaning.enter_context(run_folder()) / "phone"
        properties = default_properties(options.soc, options.serialno, loadable_targets())
        profile = PhoneProfile(
            root.absolute(), {**properties, **dict(options.property)}, options.isolation
        )
        try:
            adbd = Adbd(profile, options.port)
        except (NoSandbox, OSError, ValueError) as error:
            print(f"error: The phone does not start: {error}", file=sys.stderr)
            return 2
        asyncio.run(_serve(adbd, profile))
    return 0


async def _serve(adbd: Adbd, profile: PhoneProfile) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, end.set)
    await adbd.start()
    controls = ControlServer(adbd)
    control_port = await controls.start()
    status = adbd.status()
    announcement = Announcement(
        serial=f"127.0.0.1:{adbd.port}",
        port=adbd.port,
        control=f"127.0.0.1:{control_port}",
        serialno=status.serialno,
        soc=profile.properties["ro.soc.model"],
        root=profile.folder,
        isolation=status.isolation,
        isolation_reason=status.isolation_reason,
        shared=status.shared,
        pid=os.getpid(),
    )
    print(announcement.model_dump_json(), flush=True)
    loop.add_reader(_STDIN, _read_until_end, end)
    await end.wait()
    loop.remove_reader(_STDIN)
    controls.stop()
    await adbd.stop()


def _read_until_end(end: asyncio.Event) -> None:
    if not os.read(_STDIN, 1024):
        end.set()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m harness.virtual_phone",
        description="A virtual phone on loopback, for `adb connect 127.0.0.1:PORT`. "
        "It lives until its standard input ends.",
    )
    parser.add_argument("--soc", default="SM8550", help="ro.soc.model (default: SM8550)")
    parser.add_argument(
        "--serialno",
        default=f"VIRTUAL{secrets.token_hex(4).upper()}",
        help="ro.serialno (default: made up)",
    )
    parser.add_argument("--root", type=Path, help="folder of its files (default: temporary)")
    parser.add_argument("--port", type=int, default=0, help="above 5585 (default: a free one)")
    parser.add_argument(
        "--property",
        type=_name_and_value,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="further system property",
    )
    parser.add_argument(
        "--isolation",
        choices=("chroot", "rewrite"),
        help="sandbox of its commands (default: chroot where the machine allows it)",
    )
    return parser.parse_args(arguments)


def _name_and_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value

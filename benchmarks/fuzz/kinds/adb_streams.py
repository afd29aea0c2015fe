"""What an adb server on this machine answers: listings, features, shells, a sync service."""

from __future__ import annotations

import io
import socket
import socketserver
import threading
import time
from pathlib import Path
from random import Random

from benchmarks.fuzz.kind import Outcome
from benchmarks.fuzz.mutations import mutated_bytes, mutated_text
from harness.devices.adb.client import AdbPhone
from harness.devices.adb.discovery import find_phones
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.phone import SendLimits
from harness.errors import UserError

_SERIAL = "R5CX10ABCDE"
_LISTING = (
    f"{_SERIAL:<22} device usb:1-1 product:p model:m device:d transport_id:1\n"
    "2b7f                   unauthorized usb:1-2 transport_id:2\n"
).encode()
_STATUS = bytes.fromhex("0801 2a06 33362e302e30 3203 313233 3a04 2f616462".replace(" ", ""))
_PROPERTIES = b"R5CX10ABCDE\nSM8650\n\nSM-S921B\nmade/up/it:14/x\n\nboot\n"
_TOTAL_S = 0.5
_CONTENT = bytes(range(256)) * 600


class AdbStreams:
    """A server that answers as it likes, against all that a session asks of one."""

    name = "adb-streams"
    cases = 300
    limit_s = 30.0
    starts_programs = False

    def missing(self) -> str | None:
        """Every machine has sockets; no adb takes part."""
        return None

    def prepare(self, folder: Path) -> None:
        """Listen on loopback until the process ends."""
        self._path = folder / "pushed"
        self._path.write_bytes(_CONTENT)
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._expected = self._ask()

    def attempt(self, dice: Random) -> Outcome:
        """Find phones, ask one, push to it."""
        self._server.dice = dice
        try:
            found = self._ask()
        except PhoneFailure as error:
            raise UserError(str(error)) from error
        finally:
            self._server.dice = None
        return "same answer" if found == self._expected else "other answer"

    def _ask(self) -> object:
        address = ServerAddress(port=self._server.server_address[1])
        server = AdbServer(address)
        phone = AdbPhone(server, _SERIAL)
        answers: list[object] = [server.ensure_running()]
        found = find_phones([server])
        answers += [(one.serialno, one.soc, one.model, one.fingerprint) for one in found.phones]
        answers += [str(one) for one in found.unusable]
        answers.append(phone.ask("echo", _TOTAL_S))
        with io.FileIO(self._path) as file:
            limits = SendLimits(total_s=_TOTAL_S, stall_s=_TOTAL_S)
            phone.send(file, len(_CONTENT), "/data/local/tmp/x", limits, lambda sent: None)
        return answers


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    dice: Random | None = None


class _Conversation(socketserver.StreamRequestHandler):
    """Answers as a server with a phone would, and as the dice of a case say."""

    def handle(self) -> None:
        """Until the client hangs up."""
        try:
            while length := self.rfile.read(4):
                self._answer(self.rfile.read(int(length, 16)).decode())
        except (OSError, ValueError):
            return

    def _answer(self, request: str) -> None:
        if request == "host:version":
            self._say(b"OKAY" + _block(b"0029"))
        elif request == "host:devices-l":
            self._say(b"OKAY", _LISTING)
        elif request == "host:host-features" or request.endswith(":features"):
            self._say(b"OKAY", b"shell_v2,cmd,stat_v2")
        elif request == "host:server-status":
            self._say(b"OKAY", _STATUS)
        elif request.startswith("host:transport:"):
            self._say(b"OKAY")
        elif request == "sync:":
            self._say(b"OKAY")
            self._receive()
        else:
            asked = _PROPERTIES if "getprop" in request else b"out\n"
            packets = _packet(1, asked) + _packet(2, b"warning\n") + _packet(3, b"\0")
            self._say(b"OKAY" + packets)
            self.connection.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        while kind := self.rfile.read(4):
            number = int.from_bytes(self.rfile.read(4), "little")
            if kind == b"DONE":
                self._say(b"OKAY\0\0\0\0")
            else:
                self.rfile.read(number)

    def _say(self, status: bytes, content: bytes | None = None) -> None:
        dice: Random | None = self.server.dice  # type: ignore[attr-defined]
        if dice is None or dice.random() < 0.9:
            self.wfile.write(status + (b"" if content is None else _block(content)))
            return
        if content is not None and dice.random() < 0.6:
            self.wfile.write(status + _block(mutated_text(content, dice)[:0xFFFF]))
            return
        whole = status + (b"" if content is None else _block(content))
        _WAYS[dice.randrange(len(_WAYS))](self, whole, dice)

    def _damaged(self, whole: bytes, dice: Random) -> None:
        self.wfile.write(mutated_bytes(whole, dice))

    def _no(self, whole: bytes, dice: Random) -> None:
        self.wfile.write(b"FAIL" + _block(mutated_bytes(b"device 'x' not found", dice)))

    def _hung_up(self, whole: bytes, dice: Random) -> None:
        self.wfile.write(whole[: dice.randrange(len(whole))])
        raise ConnectionAbortedError

    def _slow(self, whole: bytes, dice: Random) -> None:
        for byte in whole:
            self.wfile.write(bytes((byte,)))
            time.sleep(dice.choice((0, 0, 0.001, 0.05)))

    def _endless(self, whole: bytes, dice: Random) -> None:
        part = dice.choice((_packet(1, b""), _packet(1, b"x" * 4096), _packet(9, b"?"), b"OKAY"))
        self.wfile.write(whole[: dice.choice((0, 4, len(whole)))])
        while True:
            self.wfile.write(part)

    def _long(self, whole: bytes, dice: Random) -> None:
        length = dice.choice((0xFFFFFFFF, 0x7FFFFFFF, 64 << 20, 0x80000000, 1 << 16))
        self.wfile.write(whole[:4] + bytes((dice.choice((1, 2, 3)),)))
        self.wfile.write(length.to_bytes(4, "little") + whole)


_WAYS = (
    _Conversation._damaged,
    _Conversation._damaged,
    _Conversation._no,
    _Conversation._hung_up,
    _Conversation._slow,
    _Conversation._endless,
    _Conversation._long,
)


def _block(content: bytes) -> bytes:
    return f"{len(content):04x}".encode() + content


def _packet(kind: int, content: bytes) -> bytes:
    return bytes((kind,)) + len(content).to_bytes(4, "little") + content

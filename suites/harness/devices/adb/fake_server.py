"""An adb server in this process that lists what a test wants listed, phones on cables too."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.devices.adb.server import AdbServer, ServerAddress


@dataclass(frozen=True)
class Plugged:
    """A phone of a ``FakeServer``.

    Attributes:
        line: Of ``adb devices -l`` behind the serial.
        properties: What ``getprop`` prints; others are empty.
        boot_id: Of the phone.
    """

    line: str = "device usb:1-1 product:p model:m device:d transport_id:1"
    properties: Mapping[str, str] = field(default_factory=dict)
    boot_id: str = "boot"

    def answer(self, command: str) -> str:
        """What the phone prints when it is asked for properties."""
        asked = command.removeprefix("shell,v2,raw:( ").split("; ")
        names = [word.removeprefix("getprop ") for word in asked if word.startswith("getprop ")]
        return "\n".join([*(self.properties.get(name, "") for name in names), self.boot_id])


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        phones: Mapping[str, Plugged] = self.server.phones  # type: ignore[attr-defined]
        chosen = Plugged()
        while length := self.rfile.read(4):
            request = self.rfile.read(int(length, 16)).decode()
            self.wfile.write(b"OKAY")
            if request == "host:devices-l":
                lines = "".join(f"{serial:<22} {one.line}\n" for serial, one in phones.items())
                self._block(lines)
            elif request.endswith(":features"):
                self._block("shell_v2,cmd")
            elif request.startswith("host:transport:"):
                chosen = phones[request.removeprefix("host:transport:")]
            else:
                printed = chosen.answer(request).encode()
                self.wfile.write(b"\1" + len(printed).to_bytes(4, "little") + printed)
                self.wfile.write(b"\3\1\0\0\0\0")
                return

    def _block(self, text: str) -> None:
        self.wfile.write(f"{len(text):04x}{text}".encode())


@contextmanager
def fake_server(phones: Mapping[str, Plugged]) -> Iterator[AdbServer]:
    """Run one that lists these phones, by serial."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server:
        server.phones = phones  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield AdbServer(ServerAddress(port=server.server_address[1]))
        finally:
            server.shutdown()
            thread.join()

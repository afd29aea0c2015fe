"""A phone's controls over loopback: one JSON object a line, one line of answer each."""

from __future__ import annotations

import asyncio
import json

from pydantic import ValidationError

from harness.virtual_phone.controls import ControlRequest
from harness.virtual_phone.protocol.adbd import Adbd

_LINE_BYTES = 1 << 20


class ControlServer:
    """Serves the controls of a phone.

    Args:
        adbd: Phone that is controlled.
    """

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

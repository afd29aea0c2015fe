"""A network between a host and its scheduler, which can be cut, or swallow what is said."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import Self

_HOST = "127.0.0.1"
_BUFFER_BYTES = 1 << 16


class Link:
    """Carries connections from ``with`` to its end, in a thread of its own.

    Args:
        target_port: Where they lead, on this machine.

    Attributes:
        port: Where they come in.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._ready = threading.Event()
        self._is_cut = False
        self._open: set[asyncio.WriteTransport] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def cut(self) -> None:
        """Abort what is connected, and take no other connection."""
        self._loop.call_soon_threadsafe(self._cut)

    def silence(self) -> None:
        """Carry nothing, and tell nobody so."""
        self._loop.call_soon_threadsafe(self._carries.clear)

    def mend(self) -> None:
        """Carry again, what was said meanwhile, too."""
        self._loop.call_soon_threadsafe(self._mend)

    def _cut(self) -> None:
        self._is_cut = True
        for transport in list(self._open):
            _reset(transport)

    def _mend(self) -> None:
        self._is_cut = False
        self._carries.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end, self._carries = asyncio.Event(), asyncio.Event()
        self._carries.set()
        listening = await asyncio.start_server(self._let_in, _HOST, 0, limit=_BUFFER_BYTES)
        self.port: int = listening.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        listening.close()
        self._mend()
        self._cut()

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            _reset(writer.transport)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(
                _HOST, self._target_port, limit=_BUFFER_BYTES
            )
        except OSError:
            _reset(writer.transport)
            return
        transports = {writer.transport, far_writer.transport}
        self._open |= transports
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        for transport in transports:
            transport.close()
        self._open -= transports

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_BUFFER_BYTES):
                await self._carries.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            _reset(writer.transport)


def _reset(transport: asyncio.WriteTransport) -> None:
    """Let the other side see a connection that broke, not one that was closed."""
    connected: socket.socket | None = transport.get_extra_info("socket")
    if connected is not None and not transport.is_closing():
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

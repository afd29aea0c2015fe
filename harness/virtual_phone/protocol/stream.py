"""One stream of a transport: what a service of the phone reads from and writes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from harness.virtual_phone.protocol.packets import AdbCommand

Send = Callable[[AdbCommand, int, int, bytes | memoryview], Awaitable[None]]


class StreamClosed(Exception):
    """The host closed the stream, or the transport is gone."""


class Stream:
    """Bytes in both directions, one packet in flight in each.

    Reading and writing raise ``StreamClosed`` once no more comes, or no more is taken.

    Args:
        send: Sends a packet over the transport.
        own_id: The phone's number of the stream.
        host_id: The host's number of it.
        packet_bytes: Largest payload that the host takes.
    """

    def __init__(self, send: Send, own_id: int, host_id: int, packet_bytes: int) -> None:
        self.own_id = own_id
        self.host_id = host_id
        self.packet_bytes = packet_bytes
        self.closed = False
        self._send = send
        self._received: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._kept = b""
        self._position = 0

    async def accept(self) -> None:
        """Tell the host that its request is served."""
        await self._send(AdbCommand.OKAY, self.own_id, self.host_id, b"")

    async def write(self, data: bytes | bytearray) -> None:
        """Send bytes, each packet when the host has taken the last one."""
        view = memoryview(data)
        for start in range(0, len(view), self.packet_bytes):
            await self._may_send.wait()
            if self.closed:
                raise StreamClosed
            self._may_send.clear()
            part = view[start : start + self.packet_bytes]
            await self._send(AdbCommand.WRTE, self.own_id, self.host_id, part)

    async def read(self) -> bytes:
        """The next packet's bytes, as soon as there are some."""
        if self.closed and self._received.empty():
            raise StreamClosed
        data = await self._received.get()
        if data is None:
            raise StreamClosed
        await self._send(AdbCommand.OKAY, self.own_id, self.host_id, b"")
        return data

    async def read_exactly(self, length: int) -> memoryview:
        """Read so many bytes, of as many packets as they come in."""
        while len(self._kept) - self._position < length:
            data = await self.read()
            self._kept = self._kept[self._position :] + data
            self._position = 0
        start = self._position
        self._position += length
        return memoryview(self._kept)[start : self._position]

    def take(self, data: bytes) -> None:
        """Take bytes that the host sent."""
        self._received.put_nowait(data)

    def allow(self) -> None:
        """Note that the host has taken the last packet."""
        self._may_send.set()

    def close_from_host(self) -> None:
        """Note that the host closed the stream, or that the transport is gone."""
        if not self.closed:
            self.closed = True
            self._received.put_nowait(None)
            self._may_send.set()

    async def close(self) -> None:
        """Close it from this side, once."""
        if not self.closed:
            self.close_from_host()
            await self._send(AdbCommand.CLSE, self.own_id, self.host_id, b"")

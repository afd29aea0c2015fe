"""One transport: the adb server at the other end of a TCP connection."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
from collections.abc import Coroutine
from typing import Any, Literal

from harness.virtual_phone.handset import Handset
from harness.virtual_phone.profile import banner_properties
from harness.virtual_phone.protocol.packets import (
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    VERSION_WITH_CHECKSUMS,
    VERSION_WITHOUT_CHECKSUMS,
    AdbCommand,
    AuthKind,
    Header,
    checksum,
    parse_header,
)
from harness.virtual_phone.protocol.services import serve
from harness.virtual_phone.protocol.stream import Stream, StreamClosed

_TOKEN_BYTES = 20
_LINGER_0 = struct.pack("ii", 1, 0)


class Connection:
    """Greets, authenticates, and carries streams, with the faults that the phone has."""

    def __init__(
        self, handset: Handset, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._handset = handset
        self._reader = reader
        self._writer = writer
        self._version = VERSION_WITH_CHECKSUMS
        self._packet_bytes = MAX_PAYLOAD_BYTES
        self._streams: dict[int, Stream] = {}
        self._opened = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending = asyncio.Lock()
        self._stalled = False
        self._over = asyncio.Event()
        self._waits_for_allow = False

    async def run(self) -> None:
        """Serve until the connection ends."""
        try:
            while True:
                header = parse_header(await self._reader.readexactly(HEADER_BYTES))
                payload = await self._receive_payload(header.payload_bytes)
                if self._stalled:
                    await self._over.wait()
                    return
                await self._handle(header, payload)
        except (asyncio.IncompleteReadError, OSError):
            pass  # However it ended, a transport that is gone is all that there is to know.
        finally:
            for stream in self._streams.values():
                stream.close_from_host()
            self._writer.close()

    def cut(self, how: Literal["rst", "fin", "stall"]) -> None:
        """Lose the transport."""
        if how == "stall":
            self._stalled = True
            transport = self._writer.transport
            assert isinstance(transport, asyncio.ReadTransport)
            transport.pause_reading()
            return
        self._over.set()
        if how == "rst":
            connection = self._writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
            self._writer.transport.abort()
        else:
            self._writer.close()

    def allow(self) -> bool:
        """The owner taps Allow; whether this connection waited for it."""
        waited, self._waits_for_allow = self._waits_for_allow, False
        if waited:
            self._spawn(self._greet())
        return waited

    async def wait_for_services(self) -> None:
        """Let services that notice the end of their streams finish; stop those that do not."""
        if self._tasks:
            _, pending = await asyncio.wait(self._tasks, timeout=1.0)
            for task in pending:
                task.cancel()

    async def _receive_payload(self, length: int) -> bytes:
        if length == 0:
            return b""
        payload = await self._reader.readexactly(length)
        rate = self._handset.faults.in_bytes_per_s
        if rate is not None:
            await asyncio.sleep(length / rate)
        self._handset.traffic.count_in(length)
        return payload

    async def _send(
        self, command: AdbCommand, first: int, second: int, payload: bytes | memoryview = b""
    ) -> None:
        faults = self._handset.faults
        if faults.latency_s:
            await asyncio.sleep(faults.latency_s)
        if faults.out_bytes_per_s is not None and payload:
            await asyncio.sleep(len(payload) / faults.out_bytes_per_s)
        total = 0 if self._version >= VERSION_WITHOUT_CHECKSUMS else checksum(payload)
        header = Header(command, first, second, len(payload), total)
        async with self._sending:
            if self._stalled or self._writer.is_closing():
                return
            self._writer.write(header.pack())
            if payload:
                self._writer.write(payload)
            with contextlib.suppress(OSError):  # The reading side learns of it as well.
                await self._writer.drain()
        self._handset.traffic.count_out(len(payload))

    async def _handle(self, header: Header, payload: bytes) -> None:
        if header.command is AdbCommand.CNXN:
            await self._handle_greeting(header)
        elif header.command is AdbCommand.AUTH:
            await self._handle_authentication(header)
        elif header.command is AdbCommand.OPEN:
            request = payload.rstrip(b"\0").decode(errors="surrogateescape")
            self._spawn(self._open(header.first, request))
        else:
            await self._handle_stream(header, payload)

    async def _handle_greeting(self, header: Header) -> None:
        faults = self._handset.faults
        self._packet_bytes = min(header.second, MAX_PAYLOAD_BYTES)
        self._version = VERSION_WITH_CHECKSUMS
        if faults.lost_greetings:
            self._handset.use_up(lost_greetings=faults.lost_greetings - 1)
            return
        if faults.availability == "silent":
            return
        if faults.availability == "unauthorized" or faults.asks_for_key:
            await self._ask_for_key()
        else:
            self._version = min(header.first, VERSION_WITHOUT_CHECKSUMS)
            await self._greet()

    async def _handle_authentication(self, header: Header) -> None:
        """Signatures are taken for good unread: which keys a real phone knows is not its topic."""
        if self._handset.faults.availability != "unauthorized":
            await self._greet()
        elif header.first == AuthKind.SIGNATURE:
            await self._ask_for_key()
        else:
            self._waits_for_allow = True

    async def _ask_for_key(self) -> None:
        await self._send(AdbCommand.AUTH, AuthKind.TOKEN, 0, secrets.token_bytes(_TOKEN_BYTES))

    async def _greet(self) -> None:
        handset = self._handset
        kind = "recovery" if handset.faults.availability == "recovery" else "device"
        features = ",".join(handset.features)
        banner = f"{kind}::{banner_properties(handset.properties)}features={features}"
        version = VERSION_WITHOUT_CHECKSUMS
        await self._send(AdbCommand.CNXN, version, MAX_PAYLOAD_BYTES, banner.encode())
        self._version = version

    async def _handle_stream(self, header: Header, payload: bytes) -> None:
        stream = self._streams.get(header.second)
        if stream is None:
            if header.command is AdbCommand.WRTE:
                await self._send(AdbCommand.CLSE, 0, header.first)
        elif header.command is AdbCommand.OKAY:
            stream.allow()
        elif header.command is AdbCommand.WRTE:
            stream.take(payload)
        else:
            stream.close_from_host()

    async def _open(self, host_id: int, request: str) -> None:
        self._opened += 1
        stream = Stream(self._send, self._opened, host_id, self._packet_bytes)
        self._streams[stream.own_id] = stream
        self._handset.services.append(request)
        try:
            with contextlib.suppress(StreamClosed):
                if not await serve(self._handset, stream, request):
                    stream.closed = True
                    await self._send(AdbCommand.CLSE, 0, host_id)
        finally:
            self._streams.pop(stream.own_id, None)
            await stream.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

"""The one way to a private adb server: a port on loopback for the user whose server it is.

An adb server lets in whoever reaches its port, and with them into its phones. So the server listens
on a socket in a folder of its own, and this carries what comes over TCP, from its user alone.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from harness.virtual_phone.peers import is_from_this_user

_BUFFER_BYTES = 1 << 20
_HOST = "127.0.0.1"

_Carrying = asyncio.Future[tuple[None, None]]
_End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ServerDoor:
    """Open from ``with`` to its end, in a thread of its own.

    Args:
        port: Port on loopback.
        behind: Socket that the server listens on.

    Raises:
        OSError: If the port is taken.
    """

    def __init__(self, port: int, behind: Path) -> None:
        self._port = port
        self._behind = behind
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._carrying = set[_Carrying]()
        self._open = set[asyncio.WriteTransport]()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name=f"adb-door-{port}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        with _short_name_of(self._behind) as self._address:
            await self._serve_until_end()

    async def _serve_until_end(self) -> None:
        try:
            listening = await asyncio.start_server(
                self._let_in, _HOST, self._port, limit=_BUFFER_BYTES
            )
        except OSError as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        await self._end.wait()
        listening.close()
        # asyncio's loop leaves connections open at its end, whose clients would wait for answers.
        for transport in self._open:
            transport.abort()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_from_this_user(writer.get_extra_info("socket")):
            writer.transport.abort()
            return
        with self._until_end(writer.transport):
            try:
                behind = await asyncio.open_unix_connection(self._address, limit=_BUFFER_BYTES)
            except OSError:
                writer.transport.abort()
                return
            with self._until_end(behind[1].transport):
                await self._carry_both_ways((reader, writer), behind)

    async def _carry_both_ways(self, client: _End, server: _End) -> None:
        # The loop itself holds no task whose client has said all, and such a task may be collected.
        carrying = asyncio.gather(_carry(client[0], server[1]), _carry(server[0], client[1]))
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)
        await carrying
        for _, writer in (client, server):
            writer.close()

    @contextmanager
    def _until_end(self, transport: asyncio.WriteTransport) -> Iterator[None]:
        """Abort a connection that is open when the door ends."""
        self._open.add(transport)
        try:
            yield
        finally:
            self._open.discard(transport)


@contextmanager
def _short_name_of(path: Path) -> Iterator[str]:
    """A socket's address has 107 bytes at most; by way of an open folder any path fits."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    here = Path(f"/proc/self/fd/{descriptor}")
    try:
        yield str(here / path.name if here.exists() else path)
    finally:
        os.close(descriptor)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes until there are no more; where one end is lost, so is the other."""
    try:
        while data := await reader.read(_BUFFER_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()

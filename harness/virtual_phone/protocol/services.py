"""Which service of the phone a stream asks for."""

from __future__ import annotations

import asyncio

from harness.virtual_phone.faults import Cut
from harness.virtual_phone.handset import Handset
from harness.virtual_phone.protocol.shell_service import serve_shell
from harness.virtual_phone.protocol.stream import Stream, StreamClosed
from harness.virtual_phone.protocol.sync_service import serve_sync

_REBOOT_S = 1.0
_CHUNK_BYTES = 1 << 16


async def serve(handset: Handset, stream: Stream, request: str) -> bool:
    """Serve what a host opened a stream for, say ``shell,v2:getprop``.

    Returns:
        False if there is no such service; nothing was sent then.

    Raises:
        StreamClosed: If the host closed the stream meanwhile.
    """
    service, _, argument = request.partition(":")
    kind, *options = service.split(",")
    if kind == "tcp":
        return await _serve_forward(handset, stream, argument)
    if kind not in ("shell", "exec", "sync", "root", "unroot", "remount", "reboot"):
        return False
    await stream.accept()
    if kind in ("shell", "exec"):
        await serve_shell(handset, stream, kind, frozenset(options), argument)
    elif kind == "sync":
        await serve_sync(handset, stream)
    elif kind == "reboot":
        handset.cut(Cut(down_s=_REBOOT_S, reboot=True), 0.0)
    elif kind == "root":
        await stream.write(b"adbd cannot run as root in production builds\n")
    else:
        await stream.write(b"not running as root\n")
    return True


async def _serve_forward(handset: Handset, stream: Stream, port: str) -> bool:
    """Carry bytes between a stream and a port that a program on the phone listens on.

    Returns:
        False if nothing listens there.

    Raises:
        StreamClosed: If the host closed the stream.
    """
    if not port.isdigit():
        return False
    of_phone = await handset.sandbox.open_socket()
    of_phone.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(of_phone, ("127.0.0.1", int(port)))
    except (OSError, OverflowError):
        of_phone.close()
        return False
    reader, writer = await asyncio.open_connection(sock=of_phone)
    await stream.accept()
    answers = asyncio.ensure_future(_carry_answers(reader, stream))
    try:
        while True:
            writer.write(await stream.read())
            await writer.drain()
    except ConnectionError:
        return True
    finally:
        answers.cancel()
        writer.close()


async def _carry_answers(reader: asyncio.StreamReader, stream: Stream) -> None:
    try:
        while data := await reader.read(_CHUNK_BYTES):
            await stream.write(data)
        await stream.close()
    except (StreamClosed, ConnectionError):
        return

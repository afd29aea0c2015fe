"""``tcp:PORT``: a connection to a port that a program on the phone listens on."""

from __future__ import annotations

import asyncio

from harness.virtual_phone.protocol.stream import Stream, StreamClosed

_CHUNK_BYTES = 1 << 16


async def serve_forward(stream: Stream, port: str) -> bool:
    """Carry bytes between a stream and a port.

    Returns:
        False if nothing listens there.

    Raises:
        StreamClosed: If the host closed the stream.
    """
    if not port.isdigit():
        return False
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    except OSError:
        return False
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

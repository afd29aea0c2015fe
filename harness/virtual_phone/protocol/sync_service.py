"""``sync:`` of a virtual phone: stat, list, pull and push."""

from __future__ import annotations

from harness.virtual_phone.handset import Handset
from harness.virtual_phone.protocol.push_receiver import PushReceiver
from harness.virtual_phone.protocol.stream import Stream
from harness.virtual_phone.protocol.sync_messages import (
    RECEIVE_2_BYTES,
    REQUEST_BYTES,
    SEND_2_BYTES,
    BadSyncRequest,
    SyncRequest,
    pack_data,
    pack_done,
    pack_fail,
    pack_listing,
    pack_stat_1,
    pack_stat_2,
    parse_request,
    parse_send_2,
    parse_send_target,
)

_BLOCK_BYTES = 1 << 19


async def serve_sync(handset: Handset, stream: Stream) -> None:
    """Serve requests until the host quits.

    Raises:
        StreamClosed: If the host closed the stream, or the transport was lost.
    """
    while True:
        request = parse_request(bytes(await stream.read_exactly(REQUEST_BYTES)))
        if request.kind == b"QUIT":
            return
        try:
            await _serve(handset, stream, request)
        except BadSyncRequest as error:
            await stream.write(pack_fail(str(error)))
            return


async def _serve(handset: Handset, stream: Stream, request: SyncRequest) -> None:
    encoded = bytes(await stream.read_exactly(request.path_bytes))
    path = encoded.decode(errors="surrogateescape")
    kind, root = request.kind, handset.root
    if kind == b"STAT":
        await stream.write(kind + pack_stat_1(root.resolve(path)))
    elif kind == b"LST2":
        await stream.write(kind + pack_stat_2(root.resolve(path)))
    elif kind == b"STA2":
        await stream.write(kind + pack_stat_2(root.follow(path)))
    elif kind == b"LIS2":
        await stream.write(pack_listing(root.follow(path)))
    elif kind == b"RECV":
        await _send_file(handset, stream, path)
    elif kind == b"RCV2":
        await stream.read_exactly(RECEIVE_2_BYTES)
        await _send_file(handset, stream, path)
    elif kind == b"SEND":
        await PushReceiver(handset, stream, *parse_send_target(path)).receive()
    elif kind == b"SND2":
        mode, _ = parse_send_2(bytes(await stream.read_exactly(SEND_2_BYTES)))
        await PushReceiver(handset, stream, path, mode).receive()
    else:
        raise BadSyncRequest(f"unknown command {kind.hex()}")


async def _send_file(handset: Handset, stream: Stream, path: str) -> None:
    try:
        file = handset.root.follow(path).open("rb")
    except OSError as error:
        await stream.write(pack_fail(f"open failed: {error.strerror}"))
        return
    with file:
        while block := file.read(_BLOCK_BYTES):
            await stream.write(pack_data(block))
    await stream.write(pack_done())

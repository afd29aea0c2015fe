"""``sync:`` of a virtual phone: stat, list, pull and push."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import BinaryIO

from harness.virtual_phone.handset import Handset
from harness.virtual_phone.protocol import sync_messages
from harness.virtual_phone.protocol.stream import Stream

_BLOCK_BYTES = 1 << 19
_BUFFER_BYTES = 1 << 20
_WRITABLE = ("/data/local/", "/sdcard/", "/storage/", "/tmp/")


async def serve_sync(handset: Handset, stream: Stream) -> None:
    """Serve requests until the host quits.

    Raises:
        StreamClosed: If the host closed the stream, or the transport was lost.
    """
    while True:
        request = sync_messages.parse_request(
            bytes(await stream.read_exactly(sync_messages.REQUEST_BYTES))
        )
        if request.kind == b"QUIT":
            return
        try:
            await _serve(handset, stream, request)
        except sync_messages.BadSyncRequest as error:
            await stream.write(sync_messages.pack_fail(str(error)))
            return


async def _serve(handset: Handset, stream: Stream, request: sync_messages.SyncRequest) -> None:
    encoded = bytes(await stream.read_exactly(request.path_bytes))
    path = encoded.decode(errors="surrogateescape")
    kind, root = request.kind, handset.root
    if kind == b"STAT":
        await stream.write(kind + sync_messages.pack_stat_1(root.resolve(path)))
    elif kind == b"LST2":
        await stream.write(kind + sync_messages.pack_stat_2(root.resolve(path)))
    elif kind == b"STA2":
        await stream.write(kind + sync_messages.pack_stat_2(root.follow(path)))
    elif kind == b"LIS2":
        await stream.write(sync_messages.pack_listing(root.follow(path)))
    elif kind == b"RECV":
        await _send_file(handset, stream, path)
    elif kind == b"RCV2":
        await stream.read_exactly(sync_messages.RECEIVE_2_BYTES)
        await _send_file(handset, stream, path)
    elif kind == b"SEND":
        await PushReceiver(handset, stream, *sync_messages.parse_send_target(path)).receive()
    elif kind == b"SND2":
        mode, _ = sync_messages.parse_send_2(
            bytes(await stream.read_exactly(sync_messages.SEND_2_BYTES))
        )
        await PushReceiver(handset, stream, path, mode).receive()
    else:
        raise sync_messages.BadSyncRequest(f"unknown command {kind.hex()}")


async def _send_file(handset: Handset, stream: Stream, path: str) -> None:
    try:
        descriptor = handset.root.open(handset.root.follow(path), os.O_RDONLY)
    except OSError as error:
        await stream.write(sync_messages.pack_fail(f"open failed: {error.strerror}"))
        return
    with os.fdopen(descriptor, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            await stream.write(sync_messages.pack_data(block))
    await stream.write(sync_messages.DONE)


class PushReceiver:
    """Receives one file as adbd does: written in place, read to its end after a failure, too."""

    def __init__(self, handset: Handset, stream: Stream, path: str, mode: int) -> None:
        self._handset = handset
        self._stream = stream
        self._target = handset.root.resolve(path)
        self._allowed = path.startswith(_WRITABLE)
        self._mode = mode
        self._file: BinaryIO | None = None
        self._failed = False
        self._corrupted = False

    async def receive(self) -> None:
        """Take the data until its end, and say how it went.

        Raises:
            BadSyncRequest: If what comes is no data.
            StreamClosed: If the transport was lost; what had arrived stays.
        """
        refusal = self._handset.faults.push_refusal
        if refusal is not None:
            await self._fail(f"couldn't create file: {refusal}")
        else:
            await self._create()
        try:
            modified_s = await self._take_data()
            if self._file is not None and not self._failed:
                await self._finish(self._file, modified_s)
        finally:
            if self._file is not None:
                # What is still to be written of a file that was given up need not be.
                with contextlib.suppress(OSError):
                    self._file.close()
        if not self._failed:
            await self._stream.write(sync_messages.OKAY)

    async def _take_data(self) -> int:
        """Returns the time of modification that ends the data."""
        while True:
            request = sync_messages.parse_request(
                bytes(await self._stream.read_exactly(sync_messages.REQUEST_BYTES))
            )
            if request.kind == b"DONE":
                return request.number
            if request.kind != b"DATA" or request.number > sync_messages.CHUNK_BYTES:
                raise sync_messages.BadSyncRequest("invalid data message")
            chunk = await self._stream.read_exactly(request.number)
            if not self._failed:
                await self._take(chunk)

    async def _create(self) -> None:
        if not self._allowed:
            await self._fail(f"couldn't create file: {os.strerror(errno.EACCES)}")
            return
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            if not stat.S_ISLNK(self._mode):
                self._target.unlink(missing_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                descriptor = self._handset.root.open(self._target, flags)
                self._file = os.fdopen(descriptor, "wb", buffering=_BUFFER_BYTES)
        except OSError as error:
            await self._fail(f"couldn't create file: {error.strerror}")

    async def _take(self, chunk: memoryview) -> None:
        left = self._handset.faults.disk_full_after_bytes
        if left is not None:
            self._handset.use_up(disk_full_after_bytes=max(0, left - len(chunk)))
            if left < len(chunk):
                self._handset.root.fill_data()
                await self._give_up(os.strerror(errno.ENOSPC))
                return
        try:
            self._write(chunk)
        except OSError as error:
            await self._give_up(error.strerror)

    def _write(self, chunk: memoryview) -> None:
        if self._file is None:
            self._link(bytes(chunk).rstrip(b"\0"))
        elif not self._corrupted and self._handset.faults.corrupt_pushes and chunk:
            self._corrupted = True
            self._handset.use_up(corrupt_pushes=self._handset.faults.corrupt_pushes - 1)
            self._file.write(bytes([chunk[0] ^ 1]) + chunk[1:])
        else:
            self._file.write(chunk)

    async def _give_up(self, reason: str | None) -> None:
        """Say that the file cannot be written, and leave nothing of it."""
        await self._fail(f"write failed: {reason}")
        self._target.unlink(missing_ok=True)

    def _link(self, destination: bytes) -> None:
        self._target.unlink(missing_ok=True)
        self._target.symlink_to(os.fsdecode(destination))

    async def _fail(self, reason: str) -> None:
        self._failed = True
        await self._stream.write(sync_messages.pack_fail(reason))

    async def _finish(self, file: BinaryIO, modified_s: int) -> None:
        """Of the file that is open, whatever has its name by now."""
        permissions = self._mode & 0o777
        permissions |= (permissions >> 3) & 0o070
        permissions |= (permissions >> 3) & 0o007
        try:
            file.flush()
        except OSError as error:
            await self._give_up(error.strerror)
            return
        os.fchmod(file.fileno(), permissions)
        os.utime(file.fileno(), (modified_s, modified_s))

"""``shell:``, ``shell,v2:`` and ``exec:`` of a virtual phone.

Shell v2 has packets of its own inside a stream: one byte of kind, four of length, then the data.
Source: AOSP ``packages/modules/adb/shell_protocol.h``.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
from enum import IntEnum

from harness.virtual_phone.faults import CommandRule
from harness.virtual_phone.handset import Handset
from harness.virtual_phone.machine import descriptors
from harness.virtual_phone.machine.sandbox import Sandbox
from harness.virtual_phone.protocol.stream import Stream

_HEADER = struct.Struct("<BI")
HEADER_BYTES = _HEADER.size


class ShellKind(IntEnum):
    """What a packet holds."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    CLOSE_STDIN = 4
    WINDOW_SIZE = 5


def pack_shell(kind: ShellKind, data: bytes) -> bytes:
    """One packet."""
    return _HEADER.pack(kind, len(data)) + data


class ShellParser:
    """Cuts a stream of bytes, however they arrive, into shell packets."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take bytes, and return the packets that they complete, as kind and data each."""
        self._kept += data
        packets = []
        position = 0
        while len(self._kept) - position >= HEADER_BYTES:
            kind, length = _HEADER.unpack_from(self._kept, position)
            end = position + HEADER_BYTES + length
            if len(self._kept) < end:
                break
            packets.append((kind, self._kept[position + HEADER_BYTES : end]))
            position = end
        self._kept = self._kept[position:]
        return packets


async def serve_shell(
    handset: Handset, stream: Stream, kind: str, options: frozenset[str], command: str
) -> None:
    """Run a command, or a shell where it is empty.

    Args:
        handset: Phone that runs it.
        stream: Stream to the host.
        kind: ``shell`` or ``exec``.
        options: Options of the request: ``v2``, ``pty``, ``raw``, ``TERM=...``.
        command: Shell text to run.

    Raises:
        StreamClosed: If the host closed the stream, or the transport was lost.
    """
    output = _Output(stream, "v2" in options)
    rule = _take_rule(handset, command)
    if rule is not None:
        await _answer_by_rule(stream, output, rule)
        return
    handset.see_command(command)
    await _run(handset.sandbox, stream, output, _open_ends(kind, options, command), command)


class _Output:
    """What a command prints, in the form that the stream has."""

    def __init__(self, stream: Stream, v2: bool) -> None:
        self._stream = stream
        self.v2 = v2

    async def send(self, kind: ShellKind, data: bytes) -> None:
        if not self.v2:
            await self._stream.write(data)
            return
        step = self._stream.packet_bytes - HEADER_BYTES
        for start in range(0, len(data), step):
            await self._stream.write(pack_shell(kind, data[start : start + step]))

    async def send_exit(self, code: int) -> None:
        if self.v2:
            await self._stream.write(pack_shell(ShellKind.EXIT, bytes([code])))


def _take_rule(handset: Handset, command: str) -> CommandRule | None:
    rules = handset.faults.command_rules
    for number, rule in enumerate(rules):
        if re.search(rule.pattern, command):
            if rule.times is not None:
                left = rule.times - 1
                rest = (rule.model_copy(update={"times": left}),) if left else ()
                handset.use_up(command_rules=(*rules[:number], *rest, *rules[number + 1 :]))
            return rule
    return None


async def _answer_by_rule(stream: Stream, output: _Output, rule: CommandRule) -> None:
    await output.send(ShellKind.STDOUT, rule.stdout.encode())
    await output.send(ShellKind.STDERR, rule.stderr.encode())
    while rule.hang:
        await stream.read()
    await output.send_exit(rule.exit_code)


def _open_ends(kind: str, options: frozenset[str], command: str) -> descriptors.ProcessEnds:
    """As adbd does: without options a shell always has a terminal, made raw for a command."""
    v2 = "v2" in options
    if "pty" in options or (not command and "raw" not in options):
        return descriptors.open_terminal(raw=False)
    if kind == "shell" and not v2:
        return descriptors.open_terminal(raw=True)
    return descriptors.open_pipes(with_stderr=v2)


async def _run(
    sandbox: Sandbox, stream: Stream, output: _Output, ends: descriptors.ProcessEnds, command: str
) -> None:
    try:
        child = sandbox.start(command, ends.theirs, ends.terminal)
    finally:
        ends.close_theirs()
    printing = asyncio.ensure_future(_print(ends, output))
    feeding = asyncio.ensure_future(_feed(ends, stream, output.v2))
    try:
        await asyncio.wait((printing, feeding), return_when=asyncio.FIRST_COMPLETED)
        if feeding.done() and not printing.done():
            feeding.result()
        await printing
        with contextlib.suppress(asyncio.CancelledError):
            await output.send_exit(await child.exit_code)
    finally:
        if not child.exit_code.done():
            sandbox.hang_up(child)
        await _stop(printing, feeding)
        ends.close()


async def _stop(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _print(ends: descriptors.ProcessEnds, output: _Output) -> None:
    async def carry(kind: ShellKind, descriptor: int) -> None:
        while data := await descriptors.read_chunk(descriptor):
            await output.send(kind, data)

    jobs = [carry(ShellKind.STDOUT, ends.stdout)]
    if ends.stderr is not None:
        jobs.append(carry(ShellKind.STDERR, ends.stderr))
    await asyncio.gather(*jobs)


async def _feed(ends: descriptors.ProcessEnds, stream: Stream, v2: bool) -> None:
    """Carry the host's input until the stream ends, which raises ``StreamClosed``."""
    parser = ShellParser()
    while True:
        data = await stream.read()
        packets = parser.feed(data) if v2 else [(int(ShellKind.STDIN), data)]
        for kind, content in packets:
            if kind == ShellKind.STDIN and ends.stdin is not None:
                await descriptors.write_all(ends.stdin, content)
            elif kind == ShellKind.CLOSE_STDIN:
                ends.close_stdin()

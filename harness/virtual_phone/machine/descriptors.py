"""Pipes and terminals of a phone's process, read and written without waiting in the loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import pty
import tty
from collections.abc import Callable
from dataclasses import dataclass

_CHUNK_BYTES = 1 << 16


@dataclass
class ProcessEnds:
    """Both ends of a process's standard streams.

    Attributes:
        theirs: The process's input, output and error, until it has them.
        stdin: Where its input is written to; None once that is closed.
        stdout: Where its output is read from.
        stderr: Where its errors are read from; None where they go with the output.
        terminal: Whether they are a terminal.
    """

    theirs: tuple[int, int, int]
    stdin: int | None
    stdout: int
    stderr: int | None
    terminal: bool

    def close_theirs(self) -> None:
        """Close the ends that the process has now."""
        for descriptor in set(self.theirs):
            os.close(descriptor)

    def close_stdin(self) -> None:
        """End the process's input; a terminal has no such end."""
        if self.stdin is not None and not self.terminal:
            os.close(self.stdin)
            self.stdin = None

    def close(self) -> None:
        """Close what is left on this side."""
        self.close_stdin()
        os.close(self.stdout)
        if self.stderr is not None:
            os.close(self.stderr)


def open_terminal(raw: bool) -> ProcessEnds:
    """A pseudo terminal; raw as that of ``shell:`` without options, which changes no byte."""
    ours, theirs = pty.openpty()
    if raw:
        tty.setraw(theirs)
    os.set_blocking(ours, False)
    return ProcessEnds((theirs,) * 3, ours, ours, None, terminal=True)


def open_pipes(with_stderr: bool) -> ProcessEnds:
    """Three pipes, or two where errors go with the output."""
    their_stdin, stdin = os.pipe()
    stdout, their_stdout = os.pipe()
    stderr, their_stderr = os.pipe() if with_stderr else (None, their_stdout)
    for descriptor in (stdin, stdout, stderr):
        if descriptor is not None:
            os.set_blocking(descriptor, False)
    theirs = (their_stdin, their_stdout, their_stderr)
    return ProcessEnds(theirs, stdin, stdout, stderr, terminal=False)


async def read_chunk(descriptor: int) -> bytes:
    """What there is to read, as soon as there is something; empty at the end."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            await _ready(descriptor, loop.add_reader, loop.remove_reader)
        except OSError as error:
            # A terminal whose last process is gone.
            if error.errno != errno.EIO:
                raise
            return b""


async def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, unless nobody reads on."""
    loop = asyncio.get_running_loop()
    view = memoryview(data)
    with contextlib.suppress(BrokenPipeError):
        while view:
            try:
                view = view[os.write(descriptor, view) :]
            except BlockingIOError:
                await _ready(descriptor, loop.add_writer, loop.remove_writer)


async def _ready(descriptor: int, add: Callable[..., None], remove: Callable[[int], bool]) -> None:
    ready = asyncio.Event()
    add(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        remove(descriptor)

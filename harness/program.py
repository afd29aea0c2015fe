"""How a program of ours begins and ends, whatever its streams are.

Each ``__main__`` hands its work to :func:`run_program`, which sees to what a shell may do to it:
``>&-``, ``> /dev/full``, ``| head -1``, an encoding that lacks a character, Ctrl-C. Imports
nothing that takes time, so that this holds while everything else is imported, too.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Literal, NoReturn, TextIO

from harness.display import ColouredStream, ShownStream
from harness.library_noise import silence_libraries

USER_ERROR = 2
INTERRUPTED = 130
"""What a shell shows for a process that Ctrl-C ended."""
CLOSED_PIPE = 141
"""What a shell shows for a process that ended because nobody reads its output any more."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, where they end a program as Ctrl-C does.

    Attributes:
        status: What the program ends with, as a shell shows it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


@contextmanager
def cleaning_up_when_terminated() -> Iterator[None]:
    """Let SIGTERM and SIGHUP run what cleans up, too; those that are ignored stay so.

    Only for work that soon comes back to Python: a handler waits for a call of C to return.

    Raises:
        Terminated: Within the block.
    """

    def end(number: int, frame: object) -> NoReturn:
        raise Terminated(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        for number, handler in before.items():
            if handler is signal.SIG_DFL:
                signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


Readers = Literal["people", "programs", "pytest"]
"""Who reads what is printed. People are shown what others wrote, programs get all as it is unless a
terminal shows it, and pytest colours what it writes."""


class OutputLost(Exception):
    """Standard output does not take what is written.

    No ``OSError``, which those who write files turn into a sentence about their file.

    Attributes:
        status: What the program ends with.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(
            f"Standard output cannot be written ({cause.strerror}); send it elsewhere."
        )
        self.status = CLOSED_PIPE if cause.errno == errno.EPIPE else USER_ERROR


def run_program(main: Callable[[], int], readers: Readers = "people") -> NoReturn:
    """Run a program and end this process with its exit status.

    Closed streams lead nowhere, as ``/dev/null`` does. A character that an encoding lacks, or that
    a terminal obeys, is written as its escape. Output that nobody reads ends the program without a
    word, output that cannot be written with a sentence; what cannot be said on standard error costs
    nothing.

    Args:
        main: Imports what it needs, and returns the exit status.
        readers: Of what it prints.
    """
    guard_streams(readers)
    silence_libraries()
    try:
        status = _status_of(main)
        sys.stdout.flush()
    except OutputLost as lost:
        status = lost.status
        if status != CLOSED_PIPE:
            print(f"error: {lost}", file=sys.stderr)
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _status_of(main: Callable[[], int]) -> int:
    """What a program ends with, one whose command line was no good included."""
    try:
        return main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USER_ERROR if end.code else 0


def guard_streams(readers: Readers = "people", *, is_output_needed: bool = True) -> None:
    """Give this process three streams that open, and that no character is too much for.

    Args:
        readers: Of what is written to them.
        is_output_needed: Whether ``OutputLost`` ends what writes to a standard output that takes
            nothing; what is written there is left out otherwise.
    """
    if sys.stdin is None:
        sys.stdin = open(_nowhere(0), encoding="utf-8")  # noqa: SIM115  # open as long as we live
    sys.stdout = _guarded(sys.stdout, 1, readers, is_needed=is_output_needed)
    sys.stderr = _guarded(sys.stderr, 2, readers, is_needed=False)


def _guarded(
    stream: TextIO | None, descriptor: int, readers: Readers, *, is_needed: bool
) -> TextIO:
    if stream is None:
        raw: IO[bytes] = io.BufferedWriter(_Guard(_nowhere(descriptor), is_needed))
        return io.TextIOWrapper(raw, "utf-8", "backslashreplace")
    stream.flush()
    assert isinstance(stream, io.TextIOWrapper)
    is_exact = readers == "programs" and not stream.isatty()
    shown_to = ColouredStream if readers == "pytest" else ShownStream
    return (io.TextIOWrapper if is_exact else shown_to)(
        io.BufferedWriter(_Guard(descriptor, is_needed)),
        stream.encoding,
        "backslashreplace",
        # Standard error is shown as it is said, and everything where PYTHONUNBUFFERED asks for it.
        line_buffering=stream.line_buffering or stream.write_through or not is_needed,
    )


def _nowhere(descriptor: int) -> int:
    """A way to nowhere in place of a closed stream, so that no file takes its number."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened == descriptor:
        os.set_inheritable(opened, True)
    return opened


class _Guard(io.FileIO):
    """A stream of this process that fails once at most, and only where it is needed."""

    def __init__(self, descriptor: int, is_needed: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._is_needed = is_needed
        self._is_lost = False

    def write(self, data: object) -> int:
        """Write, or leave it where an earlier attempt failed."""
        length = memoryview(data).nbytes  # type: ignore[arg-type]  # whatever a buffer is made of
        if self._is_lost:
            return length
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            self._is_lost = True
            if self._is_needed:
                raise OutputLost(error) from error
            return length

"""What a transport has to offer of a phone: shell commands on it, and files sent to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import FileIO
from typing import Protocol


@dataclass(frozen=True)
class CommandResult:
    """What a command on a phone printed and returned.

    Attributes:
        raw: Standard output.
        raw_errors: Standard error.
        exit_code: Exit code of the command.
    """

    raw: bytes
    raw_errors: bytes
    exit_code: int

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return self.raw.decode(errors="replace")

    @property
    def stderr(self) -> str:
        """Standard error as text, without blanks around it."""
        return self.raw_errors.decode(errors="replace").strip()


@dataclass(frozen=True)
class SendLimits:
    """When a file on its way counts as stuck.

    Attributes:
        stall_s: Time in which a MiB, or an answer, must get through.
        total_s: Time for one file.
    """

    stall_s: float
    total_s: float


class Commands(Protocol):
    """Runs shell commands on one phone; each is answered whole, in time, or not at all."""

    drops: int
    """Cuts of the connection that whoever held on to the phone has noticed."""

    @property
    def serial(self) -> str:
        """The transport's name for the phone, for sentences and for ``--serial``."""
        ...

    @property
    def home(self) -> str:
        """Folder on the phone that may be written to and run programs from; no blank is in it."""
        ...

    @property
    def shell_words(self) -> tuple[str, ...]:
        """What a person types before a command for the phone, quoted: ``adb -s XYZ shell``."""
        ...

    def ask(self, command: str, total_s: float) -> CommandResult:
        """Run a short command; it reads nothing from standard input.

        Args:
            command: POSIX shell text.
            total_s: Time for everything, the connection included.

        Raises:
            ConnectionLost: If the answer does not come whole; the command may run on.
            DeadlineExceeded: If it does not come in time, however much of it comes.
            Unreachable: If what the phone is reached by is not there.
            AnswerTooLong: If it prints without end.
        """
        ...

    def begin(
        self, command: str, total_s: float
    ) -> AbstractContextManager[Callable[[float], CommandResult]]:
        """Start a short command, to do something else before its answer is collected.

        Leaving closes the connection. What the phone prints then goes nowhere; a command that
        is still running ends with that if it minds.

        Args:
            command: POSIX shell text; it reads nothing from standard input.
            total_s: Time for everything, the connection included.

        Returns:
            A context with what collects the answer, within so many seconds.

        Raises:
            ConnectionLost, DeadlineExceeded, Unreachable, AnswerTooLong: As ``ask``.
        """
        ...

    def revive(self) -> None:
        """Free a connection on which nothing moves; whether it helped, the next try tells."""
        ...


class Files(Protocol):
    """Sends files to one phone; what came of them is checked by commands."""

    def send(
        self,
        file: FileIO,
        byte_count: int,
        remote: str,
        limits: SendLimits,
        on_sent: Callable[[int], None],
    ) -> None:
        """Send the next bytes of an open file as a file of their own, readable by its owner alone.

        Args:
            file: Open unbuffered, at the first byte to send.
            byte_count: How many bytes to send.
            remote: Absolute path on the phone, in a folder that exists; what is there is replaced.
            limits: When to give up.
            on_sent: Told how many bytes have left, a MiB or so at a time.

        Raises:
            PhoneRefused: With the phone's own words.
            ConnectionLost: If the connection is cut, or nothing moves any more.
            Unreachable: If what the phone is reached by is not there.
            UserError: If the file is shorter than that.
        """
        ...


class Phone(Commands, Files, Protocol):
    """One phone, whichever way it is reached."""

"""What can go wrong between this machine and a phone: one tree for all transports."""

from __future__ import annotations

_LAST_WORDS_BYTES = 400


class PhoneFailure(Exception):
    """Anything that a phone, or the way to it, did not do."""


class ConnectionLost(PhoneFailure):
    """The connection was cut, or an answer did not arrive whole; another try may succeed."""


class DeadlineExceeded(ConnectionLost):
    """What was asked for was not done in the time it was given."""


class AnswerTooLong(PhoneFailure):
    """A command printed more than any answer may have; its output belongs into a file."""


class Unreachable(PhoneFailure):
    """What phones are reached by is not there, as an adb server; another try may find it."""


class PhoneRefused(PhoneFailure):
    """The phone said no; the text is its own words."""


class NotEnoughSpace(PhoneRefused):
    """A phone has too little free space for what is sent to it or written by a run.

    Attributes:
        remedy: What to do about it, as part of the sentence.
    """

    def __init__(
        self, folder: str, needed_bytes: int, free_bytes: int, *, said: str = "", remedy: str = ""
    ) -> None:
        told = f" (it says: {said.strip()})" if said.strip() else ""
        super().__init__(
            f"{folder} has {free_bytes / 2**20:,.0f} MiB free and "
            f"{needed_bytes / 2**20:,.0f} MiB are needed{told}; "
            f"{remedy or 'free some on the phone'}"
        )


class CorruptedOnTheWay(PhoneFailure):
    """A file that arrives with another content than it left with.

    Attributes:
        path: Path on the phone.
        expected: sha256 of what was sent.
        arrived: sha256 of what came.
    """

    def __init__(self, path: str, expected: str, arrived: str, times: int) -> None:
        super().__init__(
            f"{path} arrived with sha256 {arrived[:12]} instead of {expected[:12]}, "
            f"{times} times; try another cable or port, or adb of another version"
        )
        self.path = path
        self.expected = expected
        self.arrived = arrived


class RunGone(PhoneFailure):
    """A run on a phone that ended without leaving an exit code.

    Attributes:
        folder: Folder of the run, on the phone.
        reason: What is known of its end, as part of a sentence.
        log: What it had printed until it was last asked.
    """

    def __init__(
        self,
        folder: str,
        reason: str = "it was killed, as a phone without memory does",
        log: bytes = b"",
    ) -> None:
        super().__init__(f"the run in {folder} is gone: {reason}")
        self.folder = folder
        self.reason = reason
        self.log = log


class PhoneRebooted(RunGone):
    """A run that ended because its phone rebooted."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder, "the phone rebooted")


class RunOverran(PhoneFailure):
    """A run that did not end in its time, and was ended on the phone.

    Attributes:
        folder: Folder of the run, on the phone.
        log: All that it printed.
    """

    def __init__(self, folder: str, after_s: float, log: bytes) -> None:
        last_words = log[-_LAST_WORDS_BYTES:].decode(errors="replace").strip()
        super().__init__(
            f"the run in {folder} had not ended after {after_s:.0f} s and was ended; it printed: "
            f"{last_words or 'nothing'}"
        )
        self.folder = folder
        self.log = log

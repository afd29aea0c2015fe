"""What can go wrong between this machine and a phone: one tree for all of adb."""

from __future__ import annotations

_LAST_WORDS_BYTES = 400


class AdbFailure(Exception):
    """Anything that adb, its server or a phone did not do."""


class ConnectionLost(AdbFailure):
    """The connection was cut, or an answer did not arrive whole; another try may succeed."""


class DeadlineExceeded(ConnectionLost):
    """What was asked for was not done in the time it was given."""


class AnswerTooLong(AdbFailure):
    """A command printed more than any answer may have; its output belongs into a file."""


class NoServer(AdbFailure):
    """Nobody listens where the adb server should be, or nobody who speaks its protocol.

    Attributes:
        address: ``HOST:PORT``.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"there is no adb server at {address}: {reason}")
        self.address = address
        self.reason = reason


class PhoneRefused(AdbFailure):
    """The phone said no; the text is its own words."""


class PhoneUnusable(AdbFailure):
    """A phone that is there and cannot be used.

    Attributes:
        serial: As adb lists it.
        reason: What is the matter, as part of a sentence.
        remedy: What to do.
        is_silent: Whether it just does not answer, which a power cycle may change.
    """

    def __init__(self, serial: str, reason: str, remedy: str, is_silent: bool = False) -> None:
        super().__init__(f"{serial} {reason}; {remedy}")
        self.serial = serial
        self.reason = reason
        self.remedy = remedy
        self.is_silent = is_silent


class RunGone(AdbFailure):
    """A run on a phone that ended without leaving an exit code.

    Attributes:
        folder: Of the run, on the phone.
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


class RunOverran(AdbFailure):
    """A run that did not end in its time, and was ended on the phone.

    Attributes:
        folder: Of the run, on the phone.
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


DROP_REMEDY = (
    "try another cable or USB port, ADB_LIBUSB=0 in the adb server's environment, or another build "
    "of adb with --adb (the distribution's, `apt-get install adb`, has cured this before)"
)
"""What has helped phones that drop off USB (adb §3)."""

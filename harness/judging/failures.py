"""Errors that end a suite's test in words, without a traceback (design §10)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.devices.device import RunFailure
from harness.devices.phone.exclusive_use import PhoneBusy
from harness.devices.phone.health.gate import DeviceBlocked
from harness.devices.transport.errors import NotEnoughSpace, PhoneFailure
from harness.errors import UserError
from harness.export.cache import CacheNotWritable
from harness.export.worker.process import ExportFailed
from harness.full_disk import describe_full, is_full, tells_full


class NothingToJudge(Exception):
    """A session lacks what a test is about; the message says what, and how to have it."""


class AnswersTooShort(Exception):
    """No answer is long enough to time, where the runner ends each at its stop token."""


class DeadModel(Exception):
    """A model that answers as no living one does, so that no figure of it means anything."""


BLOCKING = (PhoneFailure, DeviceBlocked, PhoneBusy, AnswersTooShort)
"""What says nothing about the artifact: a phone that is gone, not fit, or in another's hands.

Nor does a prompt that is answered in a few words.
"""

RESUMABLE = (PhoneFailure, DeviceBlocked, PhoneBusy, RunFailure)
"""What another try on the same artifact may not meet again, as far as anybody knows."""

TOLD_IN_WORDS = (UserError, RunFailure, ExportFailed, DeadModel)
"""Errors whose message says all."""


def told_of_full_disk(error: BaseException, folders: Iterable[Path]) -> str | None:
    """What to say of an error that a disk without room caused, here or on a phone; else None.

    Args:
        error: As it ended a test.
        folders: Where the session writes: the fullest is told where the error names none.
    """
    if isinstance(error, OSError) and is_full(error):
        return f"{describe_full(error, folders)}; make room there and run again."
    if isinstance(error, NotEnoughSpace):
        return str(error)
    if isinstance(error, CacheNotWritable) and error.is_full:
        return str(error)
    if isinstance(error, ExportFailed) and tells_full(str(error)):
        return str(error)
    return None

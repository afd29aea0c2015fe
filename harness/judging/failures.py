"""Errors that end a suite's test in words, without a traceback (design §10)."""

from __future__ import annotations

from harness.devices.device import RunFailure
from harness.devices.phone.exclusive_use import PhoneBusy
from harness.devices.phone.health.gate import DeviceBlocked
from harness.devices.transport.errors import PhoneFailure
from harness.errors import UserError
from harness.export.worker.process import ExportFailed


class NothingToJudge(Exception):
    """A session lacks what a test is about; the message says what, and how to have it."""


class AnswersTooShort(Exception):
    """No answer is long enough to time, where the runner ends each at its stop token."""


BLOCKING = (PhoneFailure, DeviceBlocked, PhoneBusy, AnswersTooShort)
"""What says nothing about the artifact: a phone that is gone, not fit, or in another's hands.

Nor does a prompt that is answered in a few words.
"""

TOLD_IN_WORDS = (UserError, RunFailure, ExportFailed)
"""Errors whose message says all."""

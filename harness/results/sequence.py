"""The order in which runs happened, whatever clocks said: a number that only grows.

A session's number is the time of its start in microseconds, or one more than the largest number
that its store knows where a clock was set back. So runs of several machines, whose stores were
copied together, keep the order of their times, and runs of one store the order in which they were.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.full_disk import is_full
from harness.lock_file import check_lock_file

COUNTER_NAME = ".sequence"
"""Of the file in a store that holds the last number that was given there."""

CLOCK_TOLERANCE = timedelta(minutes=1)
"""Clocks of machines whose stores are copied together differ by less."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 20

LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""The largest number; a larger one is of no moment that there is."""


def sequence_of(moment: datetime) -> int:
    """The number of a session that began then, where no clock was set back: microseconds."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(sequence: int) -> datetime:
    """The moment that a number stands for."""
    return _EPOCH + timedelta(microseconds=sequence)


def next_sequence(results: Path, now: datetime, latest: Callable[[], int]) -> int:
    """Give a session its number, another one than any other session of the store gets.

    Args:
        results: The store; made when missing.
        now: What the clock says.
        latest: Tells the largest number of the store's runs; 0 without any.

    Raises:
        UserError: If something else than a file is in the counter's place.
        OSError: If the store cannot be written for another reason than want of room.
    """
    try:
        return _count_up(results, now, latest)
    except OSError as error:
        if not is_full(error):
            raise
        # The session's first row holds the number, wherever there is room for that.
        return min(max(sequence_of(now), latest() + 1), LAST)


def _count_up(results: Path, now: datetime, latest: Callable[[], int]) -> int:
    results.mkdir(parents=True, exist_ok=True)
    path = results / COUNTER_NAME
    check_lock_file(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        text = os.pread(descriptor, _DIGITS, 0).strip()
        given = int(text) if text.isdigit() else 0
        number = min(max(sequence_of(now), given + 1, latest() + 1), LAST)
        os.pwrite(descriptor, b"%*d\n" % (_DIGITS, number), 0)
    finally:
        os.close(descriptor)
    return number


def clock_sentence(started_at: datetime, sequence: int | None) -> str | None:
    """What to say of a session whose clock was behind what had happened; None where it was not."""
    behind = timedelta() if sequence is None else moment_of(sequence) - started_at
    if behind <= CLOCK_TOLERANCE:
        return None
    return (
        f"This machine's clock said {started_at:%Y-%m-%d %H:%M} and was {_words(behind)} behind an "
        "earlier run of the same store: one of them was set wrong. Runs are in the order in which "
        "they happened, and their dates are not; look at the clock with: timedatectl"
    )


def _words(span: timedelta) -> str:
    hours, minutes = divmod(round(span.total_seconds() / 60), 60)
    days = round(hours / 24)
    if days > 1:
        return f"{days} days"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"

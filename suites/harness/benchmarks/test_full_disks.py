"""Sessions with a full disk are held to a named cause, whole results and their exit status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.full_disks.moments import MOMENTS
from benchmarks.full_disks.session import Ended
from benchmarks.full_disks.stage import DiskOutcome

GOOD = DiskOutcome(MOMENTS[0], 3.0, "/data has 0 MiB free", 5, 0, 15, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"named_s": None},
        {"named_s": 15.1},
        {"lost": 1},
        {"exit_status": 12},
        {"exit_status": 1},
        {"left": ("half of junit.xml",)},
    ],
    ids=str,
)
def test_whatever_a_full_disk_costs_beyond_the_session_is_a_miss(
    changes: dict[str, object],
) -> None:
    assert GOOD.is_good
    assert not replace(GOOD, **changes).is_good  # type: ignore[arg-type]


def test_there_are_twelve_moments_and_more_of_phone_and_host() -> None:
    names = {(moment.place, moment.name) for moment in MOMENTS}
    assert len(names) == len(MOMENTS) >= 12
    assert sum(moment.place == "handset" for moment in MOMENTS) >= 5


def test_the_cause_is_named_where_a_line_says_so_behind_the_fault() -> None:
    lines = (
        (1.0, "No space left on device, yesterday"),
        (6.0, "/x has 0 MiB free and 64 MiB are needed; make room\n"),
        (7.0, "/y cannot be written (No space left on device)"),
    )
    assert Ended(15, 5.0, lines).named() == (
        1.0,
        "/x has 0 MiB free and 64 MiB are needed; make room",
    )
    assert Ended(15, 8.0, lines).named() is None
    assert Ended(15, 5.0, lines).named(5.5) == (
        0.5,
        "/x has 0 MiB free and 64 MiB are needed; make room",
    )
    assert Ended(15, None, lines).named() is None

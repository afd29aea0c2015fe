"""A killed session is held to whole journals and to no process that lives on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.survival import Killed, kill_table, letters

GOOD = Killed("host", "3 ms behind a letter", 40, 0, "", ())


@pytest.mark.parametrize(
    "changes", [{"lost": 1}, {"damage": "line 7"}, {"alive": ("runner",)}], ids=str
)
def test_whatever_a_kill_costs_beyond_the_session_is_a_miss(changes: dict[str, object]) -> None:
    assert GOOD.is_good
    assert not replace(GOOD, **changes).is_good  # type: ignore[arg-type]


def test_the_table_has_a_line_per_place_that_was_tried() -> None:
    assert kill_table([GOOD, GOOD, replace(GOOD, place="virtual")]).row_count == 2


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (b"", 0),
        (b"runs on: host\ncollected 21 items\n\n", 0),
        (b"suites/size/test_size.py ", 0),
        (b"suites/size/test_size.py ..N", 3),
        (b"suites/size/test_size.py ..N         [ 33%]\nsuites/perf/test_speed.py .", 4),
        (b"suites/perf/test_speed.py .\ntest_speed[decode_tps], 26 s\n..B  [ 44%]\n", 4),
    ],
)
def test_letters_are_counted_whatever_is_said_between_them(said: bytes, count: int) -> None:
    assert letters(said) == count

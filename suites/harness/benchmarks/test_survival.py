"""A killed session is held to whole journals and to no process that lives on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.survival import Killed, kill_table

GOOD = Killed("host", "3 ms behind a letter", 40, 0, "", ())


@pytest.mark.parametrize(
    "changes", [{"lost": 1}, {"damage": "line 7"}, {"alive": ("runner",)}], ids=str
)
def test_whatever_a_kill_costs_beyond_the_session_is_a_miss(changes: dict[str, object]) -> None:
    assert GOOD.is_good
    assert not replace(GOOD, **changes).is_good  # type: ignore[arg-type]


def test_the_table_has_a_line_per_place() -> None:
    assert kill_table([GOOD, GOOD]).row_count == 3

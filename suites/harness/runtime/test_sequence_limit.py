"""``seq_len`` holds within the compiled context, and its warnings are upstream's."""

from __future__ import annotations

import pytest

from harness.runtime.phases import clamp_seq_len, limit_warnings, seq_len_warnings


@pytest.mark.parametrize(
    ("requested", "cap", "warnings"),
    [
        (100, 100, []),
        (256, 256, []),
        (0, 256, []),
        (
            1024,
            256,
            [
                "Warning: Requested seq_len (1024) exceeds compiled max_seq_len (256). Clamping "
                "to 256."
            ],
        ),
        (-1, 256, ["Warning: Invalid seq_len (-1). Using compiled max_seq_len (256)."]),
    ],
)
def test_the_cap_stays_within_the_context(requested: int, cap: int, warnings: list[str]) -> None:
    assert clamp_seq_len(requested, 256) == cap
    assert list(seq_len_warnings(requested, 256)) == warnings


def test_an_answer_that_ends_at_the_cap_is_told_how_to_get_more() -> None:
    assert "Consider increasing --seq_len (up to 256)." in limit_warnings(128, 256)[1]
    assert "Consider recompiling with larger --max_context_len." in limit_warnings(256, 256)[1]

"""What an artifact differs from itself by."""

from __future__ import annotations

import pytest

from harness.measure.comparison import Comparison, Outcome
from harness.results.noise_floors import noise_floor


def compared(ratio: float | None, outcome: Outcome = Outcome.SAME) -> Comparison:
    return Comparison(outcome=outcome, pairs=20, invalid_pairs=0, ratio=ratio)


def test_the_floor_predicts_the_next_comparison() -> None:
    """Deviations of 1 % in both directions, and t(0.995; 10) = 3.1693."""
    floor = noise_floor([compared(1.01), compared(1 / 1.01)] * 5)
    assert floor is not None
    assert floor.share == pytest.approx(1.01**3.16927 - 1, rel=1e-5)
    assert not floor.supports_rule


def test_a_quiet_device_supports_the_rule_of_3_percent() -> None:
    floor = noise_floor([compared(1.005), compared(1 / 1.005)] * 5)
    assert floor is not None
    assert floor.supports_rule


def test_calls_of_a_difference_are_counted_with_what_they_leave_credible() -> None:
    """No call in 10: the share may still be 1 - 0.05^(1/10)."""
    quiet = noise_floor([compared(1.001)] * 10)
    loud = noise_floor([compared(1.001)] * 9 + [compared(1.05, Outcome.FASTER)])
    assert quiet is not None
    assert loud is not None
    assert (quiet.different, loud.different) == (0, 1)
    assert quiet.different_upper == pytest.approx(1 - 0.05**0.1)


def test_blocked_comparisons_tell_nothing() -> None:
    assert noise_floor([compared(1.0)] * 4 + [compared(None, Outcome.BLOCKED)] * 9) is None

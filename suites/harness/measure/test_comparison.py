"""Two artifacts compared in pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.comparison import Comparison, Outcome, Pair, abba_order, compare_pairs
from harness.measure.sample import Sample

SCATTER = (1.01, 0.99, 1.02, 0.98, 1.005, 0.995, 1.015, 0.985)


def pairs(ratio: float, scatter: Sequence[float] = SCATTER * 2) -> list[Pair]:
    return [Pair(Sample(100.0), Sample(100.0 * ratio * noise)) for noise in scatter]


def compared(ratio: float) -> Comparison:
    return compare_pairs(pairs(ratio), "higher")


def test_runs_take_turns_so_that_both_have_the_same_mean_position() -> None:
    order = abba_order(8)
    assert order == ("A", "B", "B", "A") * 4
    positions_of_a = [position for position, turn in enumerate(order) if turn == "A"]
    assert sum(positions_of_a) * 2 == sum(range(16))


@pytest.mark.parametrize("count", [0, 6, 7, 19])
def test_an_odd_or_small_number_of_pairs_is_an_error(count: int) -> None:
    with pytest.raises(ValueError, match="even number from 8"):
        abba_order(count)


@pytest.mark.parametrize(
    ("ratio", "outcome"),
    [
        (0.94, Outcome.SLOWER),
        (0.975, Outcome.SAME),
        (1.0, Outcome.SAME),
        (1.025, Outcome.SAME),
        (1.06, Outcome.FASTER),
    ],
)
def test_only_a_difference_beyond_3_percent_counts(ratio: float, outcome: Outcome) -> None:
    assert compared(ratio).outcome is outcome


def test_less_of_a_time_is_faster() -> None:
    assert compare_pairs(pairs(0.94), "lower").outcome is Outcome.FASTER


def test_the_interval_is_students_on_logarithms() -> None:
    """Half of eight log ratios are 0, half ln 1.21: t = sqrt(7), and t(0.975; 7) is 2.3646."""
    comparison = compare_pairs(pairs(1.0, (1.0, 1.21) * 4), "higher")
    standard_error = math.log(1.1) / math.sqrt(7)
    assert comparison.ratio == pytest.approx(1.1)
    assert comparison.lower == pytest.approx(1.1 * math.exp(-2.36462 * standard_error), rel=1e-5)
    assert comparison.upper == pytest.approx(1.1 * math.exp(2.36462 * standard_error), rel=1e-5)
    assert comparison.p_value == pytest.approx(0.03314, abs=1e-5)


def test_the_sign_flip_test_counts_flips_exactly() -> None:
    """Of 2^8 flips of eight positive log ratios only two are as extreme."""
    comparison = compare_pairs(pairs(1.1, SCATTER), "higher")
    assert comparison.permutation_p_value == pytest.approx(2 / 2**8)


def test_scatter_that_hides_5_percent_leaves_the_comparison_open() -> None:
    loud = pairs(1.0, (1.3, 0.75) * 8)
    assert compare_pairs(loud, "higher").outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("estimate", "outcome"), [(0.046, Outcome.INCONCLUSIVE), (0.054, Outcome.FASTER)]
)
def test_loud_runs_need_half_the_p_value(estimate: float, outcome: Outcome) -> None:
    noise = [NormalDist(estimate, 0.07).inv_cdf((rank + 0.5) / 20) for rank in range(20)]
    comparison = compare_pairs(pairs(1.0, [math.exp(value) for value in noise]), "higher")
    assert comparison.p_value is not None
    assert comparison.p_value < 0.01
    assert comparison.outcome is outcome


@pytest.mark.parametrize(("ratio", "outcome"), [(1.0, Outcome.SAME), (1.1, Outcome.FASTER)])
def test_values_without_scatter_are_compared_too(ratio: float, outcome: Outcome) -> None:
    assert compare_pairs(pairs(ratio, (1.0,) * 8), "higher").outcome is outcome


def disturbed(count: int) -> list[Pair]:
    return [Pair(Sample(1.0, "thermal status rose"), Sample(100.0))] * count


def test_disturbed_pairs_do_not_count() -> None:
    comparison = compare_pairs(pairs(1.0) + disturbed(4), "higher")
    assert (comparison.outcome, comparison.pairs, comparison.invalid_pairs) == (
        Outcome.SAME,
        16,
        4,
    )


@pytest.mark.parametrize(
    "measured", [[], pairs(0.5, SCATTER[:7]), pairs(0.5, SCATTER) + disturbed(4)]
)
def test_too_few_valid_pairs_block(measured: list[Pair]) -> None:
    comparison = compare_pairs(measured, "higher")
    assert comparison.outcome is Outcome.BLOCKED
    assert comparison.ratio is None


def test_a_value_without_ratio_is_an_error() -> None:
    with pytest.raises(ValueError, match="positive finite"):
        compare_pairs(pairs(0.0), "higher")


logs = st.lists(st.floats(-0.3, 0.3), min_size=8, max_size=12)


@given(logs)
def test_swapping_both_artifacts_turns_the_result_around(values: list[float]) -> None:
    there = [Pair(Sample(100.0), Sample(100 * math.exp(value))) for value in values]
    back = [Pair(pair.b, pair.a) for pair in there]
    one, other = compare_pairs(there, "higher"), compare_pairs(back, "higher")
    assert one.ratio is not None
    assert other.ratio == pytest.approx(1 / one.ratio)
    opposite = {Outcome.FASTER: Outcome.SLOWER, Outcome.SLOWER: Outcome.FASTER}
    assert other.outcome is opposite.get(one.outcome, one.outcome)


def test_a_comparison_survives_being_stored_as_json() -> None:
    comparison = compared(0.94)
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison

"""Choosing a token: greedy is exact, sampling can be repeated and stays in the nucleus."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.runtime.encodings import IDENTITY, Encoding
from harness.runtime.sampler import Sampler, sampling_encoding

logits_rows = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=40)


@given(codes=st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_greedy_takes_the_lowest_index_of_the_highest_logit(codes: list[int]) -> None:
    greedy = Sampler(temperature=0, top_p=0.9, seed=0)
    for dtype in ("float32", "uint16", "uint8"):
        assert greedy.sample(np.asarray(codes, dtype)) == codes.index(max(codes))


@given(row=logits_rows, seed=st.integers(0, 2**32), temperature=st.floats(0.1, 5))
def test_equal_seeds_choose_equally(row: list[float], seed: int, temperature: float) -> None:
    logits = np.asarray(row, np.float32)
    first, second = (Sampler(temperature, 0.95, seed) for _ in range(2))
    assert [first.sample(logits) for _ in range(8)] == [second.sample(logits) for _ in range(8)]


@given(row=logits_rows, top_p=st.floats(0.05, 1.0), temperature=st.floats(0.2, 3))
def test_only_the_smallest_set_that_reaches_top_p_is_chosen_from(
    row: list[float], top_p: float, temperature: float
) -> None:
    logits = np.asarray(row, np.float32).astype(np.float64)
    weights = np.exp((logits - logits.max()) / temperature)
    probabilities = weights / weights.sum()
    sampler = Sampler(temperature, top_p, seed=3)
    for _ in range(10):
        token = sampler.sample(logits)
        more_likely = probabilities[probabilities > probabilities[token]].sum()
        assert more_likely < top_p + 1e-9


@pytest.mark.parametrize("temperature", [1e-3, 1e-40, 1e-320])
def test_the_least_temperatures_take_the_highest_logit(temperature: float) -> None:
    sampler = Sampler(temperature, 0.9, seed=0)
    assert sampler.sample(np.asarray([-3.0, 7.5, 0.0, 7.25], np.float32)) == 1


def test_a_temperature_that_is_no_number_takes_token_0() -> None:
    assert Sampler(float("nan"), 0.9, seed=0).sample(np.asarray([1.0, 2.0], np.float32)) == 0


codes_rows = st.lists(st.integers(0, 65535), min_size=1, max_size=40)


@given(codes=codes_rows, scale=st.floats(1e-4, 1), zero_point=st.integers(0, 65535))
def test_greedy_chooses_by_codes_whatever_they_mean(
    codes: list[int], scale: float, zero_point: int
) -> None:
    greedy = Sampler(0, 0.9, seed=0, encoding=Encoding(scale, zero_point))
    assert greedy.sample(np.asarray(codes, "uint16")) == codes.index(max(codes))


@given(
    codes=codes_rows,
    scale=st.floats(1e-4, 1),
    zero_point=st.integers(0, 65535),
    temperature=st.floats(0.1, 3),
)
def test_a_temperature_acts_on_what_codes_mean(
    codes: list[int], scale: float, zero_point: int, temperature: float
) -> None:
    row = np.asarray(codes, "uint16")
    quantized = Sampler(temperature, 0.95, seed=5, encoding=Encoding(scale, zero_point))
    real = Sampler(temperature, 0.95, seed=5)
    logits = (row.astype(np.float64) - zero_point) * scale
    assert [quantized.sample(row) for _ in range(8)] == [real.sample(logits) for _ in range(8)]


@pytest.mark.parametrize(
    ("temperature", "upstream_compat", "expected"),
    [(0.0, False, IDENTITY), (0.7, False, Encoding(0.5, 3)), (0.7, True, IDENTITY)],
)
def test_codes_are_taken_for_logits_only_where_upstream_does(
    temperature: float, upstream_compat: bool, expected: Encoding
) -> None:
    found = Encoding(0.5, 3)
    assert (
        sampling_encoding(found, "uint16", temperature=temperature, upstream_compat=upstream_compat)
        == expected
    )


def test_codes_without_a_meaning_can_only_be_compared() -> None:
    assert sampling_encoding(None, "uint16", temperature=0.0, upstream_compat=False) == IDENTITY
    assert sampling_encoding(None, "uint16", temperature=0.7, upstream_compat=True) == IDENTITY
    with pytest.raises(UserError, match=r"--temperature 0\.7 cannot .*uint16.*get_logits_scale"):
        sampling_encoding(None, "uint16", temperature=0.7, upstream_compat=False)


def test_sampling_follows_the_probabilities() -> None:
    sampler = Sampler(temperature=2.0, top_p=1.0, seed=0)
    logits = np.log(np.asarray([0.64, 0.32, 0.04])) * 2
    counts = np.bincount([sampler.sample(logits) for _ in range(4000)], minlength=3)
    np.testing.assert_allclose(counts / 4000, [0.64, 0.32, 0.04], atol=0.03)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_nan_is_an_error_and_no_token(temperature: float) -> None:
    with pytest.raises(UserError, match="NaN logits"):
        Sampler(temperature, 0.9, 0).sample(np.asarray([1.0, np.nan, 3.0], np.float32))

"""The limit that memory sets, against published tables."""

from __future__ import annotations

import pytest

from harness.measure.roofline import bytes_per_token, ms_per_token_lower_bound, roofline_share


@pytest.mark.parametrize(
    ("mb_per_token", "gb_per_s", "tps"),
    [(404, 67.2, 166), (404, 76.8, 190), (245, 84.8, 346), (506, 76.8, 152), (343, 84.8, 247)],
)
def test_the_limit_is_bandwidth_over_traffic(
    mb_per_token: int, gb_per_s: float, tps: float
) -> None:
    limit_ms = ms_per_token_lower_bound(mb_per_token * 10**6, gb_per_s)
    assert 1000 / limit_ms == pytest.approx(tps, abs=0.6)
    assert roofline_share(tps, limit_ms) == pytest.approx(1.0, abs=0.005)


def test_lookahead_may_decode_more_tokens_than_passes() -> None:
    assert roofline_share(200.0, 10.0, tokens_per_step=2.0) == 1.0


def test_a_step_reads_all_weights_and_the_whole_cache() -> None:
    assert bytes_per_token(361_900_000, 42_000_000) == 403_900_000


@pytest.mark.parametrize(("weights", "cache"), [(0, 1), (1, -1)])
def test_no_traffic_is_an_error(weights: int, cache: int) -> None:
    with pytest.raises(ValueError, match="bytes of weights"):
        bytes_per_token(weights, cache)

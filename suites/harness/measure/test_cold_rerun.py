"""One cold re-run of a red performance gate."""

from __future__ import annotations

import pytest

from harness.measure.cold_rerun import needs_rerun, settle
from harness.measure.verdict import Status


@pytest.mark.parametrize(
    ("metric", "again"),
    [("decode_tps", True), ("ttft_ms", True), ("exact_match", False), ("pte_bytes", False)],
)
def test_only_a_red_performance_gate_is_measured_again(metric: str, again: bool) -> None:
    assert needs_rerun(Status.FAIL, metric) is again


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.FAIL])
def test_what_is_not_red_is_not_measured_again(status: Status) -> None:
    assert not needs_rerun(status, "decode_tps")
    with pytest.raises(ValueError, match="not measured again"):
        settle(status, Status.PASS)


@pytest.mark.parametrize(
    ("rerun", "counts"),
    [
        (Status.FAIL, Status.FAIL),
        (Status.PASS, Status.INCONCLUSIVE),
        (Status.INCONCLUSIVE, Status.INCONCLUSIVE),
        (Status.BLOCKED, Status.BLOCKED),
    ],
)
def test_red_counts_only_if_it_repeats(rerun: Status, counts: Status) -> None:
    assert settle(Status.FAIL, rerun) is counts

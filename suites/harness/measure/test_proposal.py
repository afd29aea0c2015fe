"""Proposed gates."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.gate import Context, Gate
from harness.measure.metrics import METRICS
from harness.measure.proposal import Provenance, propose_gate, render_gate, unrest

PHONE = Context("smolvlm_500m", "phone", soc="SM8650", mode="kv", component="text_decoder")
RUN = Provenance('run "7"', date(2026, 11, 23))


@pytest.mark.parametrize(
    ("metric", "bounds"),
    [
        ("decode_tps", (95.0, None)),
        ("ttft_ms", (None, 116.0)),
        ("pte_bytes", (95.0, 116.0)),
        ("length_ratio", (95.0, 116.0)),
    ],
)
def test_the_bound_is_5_percent_beyond_on_the_side_not_to_cross(
    metric: str, bounds: tuple[float | None, float | None]
) -> None:
    gate = propose_gate(metric, PHONE, 100.0, 110.0, RUN)
    assert (gate.min, gate.max) == bounds


values = st.floats(-1e12, 1e12)


def measured(metric: str, value: float) -> float:
    """A value that the metric can have."""
    return value if METRICS[metric].is_signed else abs(value)


@given(st.sampled_from(sorted(METRICS)), values, values)
def test_a_proposal_never_rejects_what_it_came_from(metric: str, a: float, b: float) -> None:
    lower, upper = sorted((measured(metric, a), measured(metric, b)))
    gate = propose_gate(metric, PHONE, lower, upper, RUN)
    assert gate.min is None or gate.min <= lower
    assert gate.max is None or gate.max >= upper


@given(st.sampled_from(sorted(METRICS)), values)
def test_a_rendered_row_reads_back_as_the_same_gate(metric: str, value: float) -> None:
    value = measured(metric, value)
    gate = propose_gate(metric, PHONE, value, value, RUN)
    (row,) = tomllib.loads(render_gate(gate))["gate"]
    assert "model" not in row
    assert Gate.model_validate({**row, "model": "smolvlm_500m"}) == gate


def test_a_report_only_row_renders_too() -> None:
    gate = Gate(
        metric="decode_tps",
        model="tiny_smolvlm",
        report_only=True,
        reason="not measured yet",
        source="nobody",
        since=date(2026, 11, 23),
    )
    (row,) = tomllib.loads(render_gate(gate))["gate"]
    assert row["report_only"] is True


@pytest.mark.parametrize(
    ("scatter", "load", "told"),
    [
        (0.03, 1.0, None),
        (None, None, None),
        (0.18, None, "these scatter by 18 %"),
        (0.02, 4.8, "the machine had 4.8 processes to run by core"),
        (0.2, 2.0, "these scatter by 20 % and the machine had 2.0 processes to run by core"),
    ],
)
def test_runs_on_a_busy_machine_are_told_from_quiet_ones(
    scatter: float | None, load: float | None, told: str | None
) -> None:
    assert unrest(scatter, replace(RUN, load=load)) == told

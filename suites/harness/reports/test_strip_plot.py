"""A strip plot draws what is there, and nothing outside its frame."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from harness.results.rows.schema import SampleRow, VerdictRow
from reports.strip_plot import HEIGHT, WIDTH, strip_plot
from suites.harness.reports.small_run import sample_rows, verdict_rows

VALUES = st.floats(min_value=-1e12, max_value=1e12)


def a_verdict(**fields: object) -> VerdictRow:
    [failing] = [row for row in verdict_rows() if row.metric == "decode_tps"]
    return failing.model_copy(update=fields)


def some_samples(values: list[float]) -> list[SampleRow]:
    return [
        sample_rows()[1].model_copy(update={"value": value, "run_index": index})
        for index, value in enumerate(values)
    ]


@given(
    values=st.lists(VALUES, min_size=1, max_size=20),
    gate_min=st.none() | VALUES,
    gate_max=st.none() | VALUES,
)
def test_everything_lies_inside_the_frame(
    values: list[float], gate_min: float | None, gate_max: float | None
) -> None:
    fields = {"median": values[0], "lower": min(values), "upper": max(values)}
    row = a_verdict(**fields, gate_min=gate_min, gate_max=gate_max)
    plot = strip_plot(row, some_samples(values))
    assert plot is not None
    assert len(plot.dots) == len(values)
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in plot.dots)
    assert all(0 <= bound.x <= WIDTH and bound.shade_width >= 0 for bound in plot.bounds)
    assert len(plot.bounds) == sum(bound is not None for bound in (gate_min, gate_max))


def test_a_greater_value_lies_further_right_and_a_later_one_lower() -> None:
    plot = strip_plot(a_verdict(), some_samples([90.0, 95.0, 92.0]))
    assert plot is not None
    assert plot.dots[0].x < plot.dots[2].x < plot.dots[1].x
    assert plot.dots[0].y < plot.dots[1].y < plot.dots[2].y


def test_the_side_a_gate_forbids_is_shaded() -> None:
    plot = strip_plot(a_verdict(gate_min=94.0, gate_max=99.0), some_samples([95.0, 98.0]))
    assert plot is not None
    low, high = plot.bounds
    assert (low.shade_x, low.shade_width) == (0.0, low.x)
    assert math.isclose(high.shade_x + high.shade_width, WIDTH, abs_tol=0.1)
    assert all(low.x < dot.x < high.x for dot in plot.dots)


def test_a_far_gate_does_not_squeeze_the_samples_together() -> None:
    plot = strip_plot(a_verdict(gate_min=10.0), some_samples([95.0, 96.0, 97.0]))
    assert plot is not None
    [gate] = plot.bounds
    assert gate.beyond
    assert plot.dots[2].x - plot.dots[0].x > WIDTH / 3


def test_an_exact_value_is_one_dot_beside_its_gate() -> None:
    row = a_verdict(median=97.0, lower=97.0, upper=97.0, gate_min=50.0)
    plot = strip_plot(row, [])
    assert plot is not None
    assert plot.interval is None
    assert len(plot.dots) == 1
    assert plot.bounds[0].x < plot.dots[0].x


def test_there_is_no_plot_of_nothing() -> None:
    row = a_verdict(median=None, lower=None, upper=None)
    assert strip_plot(row, []) is None
    assert strip_plot(row, some_samples([math.inf])) is None

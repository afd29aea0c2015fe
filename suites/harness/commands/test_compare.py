"""What changed between two runs, the largest change first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.commands.compare import comparison_lines
from harness.measure.verdict import Status
from harness.results.history import load_history
from harness.results.rows.schema import Row
from harness.results.run_comparison import compare_runs
from suites.harness.results.made_up import a_verdict, night_id, samples, write_run

VALUES = [101.0, 99.0, 100.0, 102.0, 98.0]
RUNS = (night_id(0), night_id(1))


def told(
    results: Path, first: Sequence[Row], second: Sequence[Row], *, show_all: bool = False
) -> str:
    """In 80 columns."""
    for night, rows in enumerate((first, second)):
        write_run(results, night, rows)
    comparison = compare_runs(load_history(results), *RUNS)
    return "\n".join(comparison_lines(comparison, RUNS, 80, show_all=show_all))


def scaled(factor: float, metric: str, unit: str) -> list[Row]:
    return samples([value * factor for value in VALUES], metric=metric, unit=unit)


def test_the_largest_change_comes_first_and_noise_not_at_all(tmp_path: Path) -> None:
    speeds = [
        ("decode_tps", "token/s", 0.9),
        ("prefill_tps", "token/s", 0.5),
        ("ttft_ms", "ms", 1.3),
        ("load_ms", "ms", 1.001),
    ]
    first = [row for metric, unit, _ in speeds for row in scaled(1, metric, unit)]
    second = [row for metric, unit, factor in speeds for row in scaled(factor, metric, unit)]
    text = told(tmp_path, first, second)
    lines = text.splitlines()
    assert lines[:2] == [" -> ".join(RUNS), "3 of 4 numbers changed."]
    changes = [line for line in lines if line.rstrip().endswith(("not judged", "/s", "ms"))]
    assert [line.split("  ")[0].strip() for line in changes if "%" in line] == [
        "-50.0 % worse",
        "+30.0 % worse",
        "-10.0 % worse",
    ]
    assert "Not shown: 1 that did not change beyond noise; --all shows them." in text
    assert "load_ms" not in text


def test_all_shows_what_is_alike_and_what_only_one_run_has(tmp_path: Path) -> None:
    first = [*samples(VALUES), *scaled(1, "ttft_ms", "ms")]
    text = told(tmp_path, first, samples(VALUES), show_all=True)
    assert "Did not change beyond noise:\n0 %  decode_tps  100 token/s" in text
    assert "100 -> not measured ms" in text
    assert "Not shown" not in text


def test_a_verdict_that_turned_is_a_change_though_the_number_is_none(tmp_path: Path) -> None:
    first = [*samples(VALUES), a_verdict(Status.PASS)]
    text = told(tmp_path, first, [*samples(VALUES), a_verdict(Status.FAIL)])
    assert "1 of 1 number changed." in text
    assert "pass -> fail" in text


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (0.0, 0.02, "from 0 worse"),
        (0.02, 0.0, "-100.0 % better"),
        (1.0, 374.0, "374 times worse"),
        (100_000.0, 100_040.0, "+0.04 % worse"),
    ],
)
def test_changes_are_told_in_numbers_that_mean_something(
    tmp_path: Path, before: float, after: float, change: str
) -> None:
    size = {"metric": "spill_bytes", "unit": "byte"}
    assert change in told(tmp_path, samples([before], **size), samples([after], **size))


@pytest.mark.parametrize("value", [0.0, float("inf")])
def test_the_same_is_no_change_though_it_has_no_ratio(tmp_path: Path, value: float) -> None:
    rows = [samples([value], metric="sqnr_db", unit="dB") for _ in range(2)]
    assert "0 of 1 number changed." in told(tmp_path, *rows)


def test_long_lists_end_with_what_was_left_out(tmp_path: Path) -> None:
    def night(factor: float) -> list[Row]:
        return [row for n in range(30) for row in samples([factor * (n + 1)], model=f"m{n}")]

    text = told(tmp_path, night(1), night(2))
    assert "Not shown: 10 more that changed; --all shows them." in text

"""What is green is folded by metric, the tightest gate of each in sight."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.measure.verdict import Status
from harness.results.rows.schema import VerdictRow
from harness.results.run import Run
from reports.verdict_folds import FEW, OPEN_METRICS, REST, FoldedLine, fold_verdicts
from reports.verdict_table import verdict_lines
from suites.harness.reports.nights import a_sample, a_verdict, write_night

METRICS = [f"metric_{number:02}" for number in range(OPEN_METRICS + 2)]


def folded(folder: Path, rows: Sequence[VerdictRow]) -> tuple[FoldedLine, ...]:
    return fold_verdicts(verdict_lines(Run.read(write_night(folder, 0, rows))))


def passing(metric: str, value: float, test: str = "a") -> VerdictRow:
    return a_verdict(value, Status.PASS, metric=metric, test_id=test, gate_min=100.0)


def test_a_few_green_rows_stay_open_by_their_room(tmp_path: Path) -> None:
    rows = [passing("decode_tps", 100.0 + n, str(n)) for n in reversed(range(FEW))]
    found = folded(tmp_path, rows)
    assert [line.line.median for line in found] == [100.0 + n for n in range(FEW)]
    assert not any(line.folds or line.more for line in found)


def test_of_many_every_metric_shows_its_tightest_gate(tmp_path: Path) -> None:
    rows = [passing(metric, 101.0 + n, "near") for n, metric in enumerate(METRICS)]
    rows += [passing(metric, 150.0, "far") for metric in METRICS]
    red = a_verdict(50.0, Status.FAIL, test_id="red")
    first, *green = folded(tmp_path, [*rows, red])
    assert (first.line.label, first.folds) == ("FAIL", ())
    heads = [line for line in green if line.more]
    assert [line.line.metric for line in heads] == METRICS
    assert [line.folds for line in heads] == [()] * OPEN_METRICS + [(REST,)] * 2
    assert green[1].folds == (METRICS[0],)
    assert green[-1].folds == (REST, METRICS[-1])


def test_only_samples_that_were_judged_are_shown(tmp_path: Path) -> None:
    samples = [a_sample(90.0 + n, run_index=n) for n in range(6)]
    broken = a_sample(1.0, run_index=6, valid=False, invalid_reason="too short")
    rows = [*samples, broken, a_verdict(92.0, Status.FAIL, n_samples=5)]
    [line] = verdict_lines(Run.read(write_night(tmp_path, 0, rows)))
    assert line.plot is not None
    assert [dot.run for dot in line.plot.dots] == [1, 2, 3, 4, 5]
    assert line.notes == ("2 later runs, made for other metrics, are no part of it",)

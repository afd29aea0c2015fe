"""``results.csv`` opens in pandas as what it is, and is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from harness.results.journal import Journal
from harness.results.rows.schema import AnswerRow, ComparisonRow, DeviceRow, SampleRow, VerdictRow
from harness.results.run import Run
from reports.results_csv import COLUMNS, read_results, render_csv
from suites.harness.reports.small_run import (
    ANSWER_TEST,
    RUN_ID,
    SPEED_TEST,
    answer_row,
    sample_rows,
    session_row,
    verdict_rows,
)
from suites.harness.reports.test_parts import a_comparison

OF_RUNS = ("run_id", "virtual")
"""Columns that rows of every kind have, whether or not they are fields of them."""


DOCUMENT = Path(__file__).parents[3] / "reports" / "README.md"


@pytest.fixture
def csv_file(finished_run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "results.csv"
    path.write_text(render_csv(Run.read(finished_run)))
    return path


def columns_of(row: type[BaseModel]) -> set[str]:
    bounds = {"lower": "ratio_lower", "upper": "ratio_upper"} if row is ComparisonRow else {}
    return {bounds.get(name, name) for name in row.model_fields}


def test_there_is_one_row_per_sample_verdict_and_answer(csv_file: Path) -> None:
    frame = read_results(csv_file)
    assert frame["kind"].value_counts().to_dict() == {"sample": 6, "verdict": 2, "answer": 4}
    assert set(frame["run_id"]) == {RUN_ID}


def test_every_field_of_a_row_has_its_column() -> None:
    fields = [name for row in (SampleRow, VerdictRow, AnswerRow) for name in row.model_fields]
    assert set(COLUMNS) == {*fields, *columns_of(ComparisonRow), "run_id"}
    assert next(iter(COLUMNS)) == "kind"


def test_pandas_gets_the_documented_dtypes(csv_file: Path) -> None:
    frame = read_results(csv_file)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS


def test_values_survive(csv_file: Path) -> None:
    frame = read_results(csv_file)
    samples = frame[frame["kind"] == "sample"]
    assert samples["value"].tolist() == [row.value for row in sample_rows()]
    assert samples["valid"].tolist() == [row.valid for row in sample_rows()]
    assert set(samples["test_id"]) == {SPEED_TEST}
    assert set(samples["artifact_key"]) == {"012345678901"}
    verdicts = frame[frame["kind"] == "verdict"]
    assert verdicts["status"].tolist() == ["no-gate", "fail"]
    answers = frame[frame["test_id"] == ANSWER_TEST]
    assert answers["correct"].tolist() == [True, False, False, True]
    assert answers["given"].tolist()[1] == "<script>alert('blue')</script>"


def test_verdicts_of_a_virtual_phone_are_marked_as_its_samples_are(tmp_path: Path) -> None:
    device = DeviceRow(device="builder-03", target="phone", virtual=True)
    with Journal(tmp_path / "run", "main") as journal:
        for row in (device, *verdict_rows(), answer_row(), a_comparison("same", 1.0)):
            journal.append(row)
    path = tmp_path / "results.csv"
    path.write_text(render_csv(Run.read(tmp_path / "run")))
    assert read_results(path)["virtual"].tolist() == [True] * 4


def test_a_comparison_keeps_its_ratio_apart_from_any_median(tmp_path: Path) -> None:
    with Journal(tmp_path / "run", "main") as journal:
        journal.append(a_comparison("slower", 0.94))
    path = tmp_path / "results.csv"
    path.write_text(render_csv(Run.read(tmp_path / "run")))
    [row] = read_results(path).to_dict("records")
    assert (row["kind"], row["outcome"], row["n_pairs"]) == ("comparison", "slower", 20)
    assert (row["ratio_lower"], row["ratio"], row["ratio_upper"]) == (
        pytest.approx(0.93),
        0.94,
        pytest.approx(0.95),
    )
    assert pd.isna(row["lower"])


def test_plain_pandas_reads_numbers_as_numbers(csv_file: Path) -> None:
    frame = pd.read_csv(csv_file)
    assert frame.columns.tolist() == list(COLUMNS)
    for name in ("value", "median", "lower", "upper", "gate_min"):
        assert frame[name].dtype == "float64"


@pytest.mark.parametrize(
    "given",
    [
        "None",
        "NA",
        "nan",
        "007",
        "3",
        'say "yes",\nor no',
        "=1+1",
        "'=1",
        "\r=1",
        "a\rb",
        "a\x00b",
        "-5",
    ],
)
def test_an_answer_is_text_whatever_it_looks_like(tmp_path: Path, given: str) -> None:
    with Journal(tmp_path / "run", "main") as journal:
        journal.append(answer_row(given=given))
    path = tmp_path / "results.csv"
    path.write_text(render_csv(Run.read(tmp_path / "run")))
    assert read_results(path)["given"].tolist() == [given]
    assert len(pd.read_csv(path)) == 1


def test_a_run_without_measurements_is_a_table_without_rows(tmp_path: Path) -> None:
    with Journal(tmp_path / "run", "main") as journal:
        journal.append(session_row())
    path = tmp_path / "results.csv"
    path.write_text(render_csv(Run.read(tmp_path / "run")))
    frame = read_results(path)
    assert frame.empty
    assert frame.columns.tolist() == list(COLUMNS)


def test_an_infinite_ratio_stays_infinite(tmp_path: Path) -> None:
    row = sample_rows()[0].model_copy(update={"metric": "sqnr_db", "value": float("inf")})
    with Journal(tmp_path / "run", "main") as journal:
        journal.append(row)
    path = tmp_path / "results.csv"
    path.write_text(render_csv(Run.read(tmp_path / "run")))
    assert read_results(path)["value"].tolist() == [float("inf")]


def test_a_number_that_is_none_is_missing(tmp_path: Path) -> None:
    row = verdict_rows()[0].model_copy(update={"upper": float("nan"), "sentence": "nan"})
    with Journal(tmp_path / "run", "main") as journal:
        journal.append(row)
    path = tmp_path / "results.csv"
    path.write_text(render_csv(Run.read(tmp_path / "run")))
    [read] = read_results(path).to_dict("records")
    assert pd.isna(read["upper"])
    assert read["sentence"] == "nan"


def test_the_documented_columns_are_the_columns() -> None:
    readme = Path(__file__).parents[3] / "reports" / "README.md"
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", readme.read_text(), re.MULTILINE)
    assert {name: dtype.strip() for name, dtype, _ in rows} == COLUMNS
    assert [name for name, _, _ in rows] == list(COLUMNS)
    kinds: dict[str, type[BaseModel]]
    kinds = {"S": SampleRow, "V": VerdictRow, "A": AnswerRow, "C": ComparisonRow}
    for name, _, letters in rows:
        having = {letter for letter, row in kinds.items() if name in {*columns_of(row), *OF_RUNS}}
        assert set(letters.split()) == having, name


def test_the_documented_snippet_runs_as_it_stands(
    csv_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "reports" / "out").mkdir(parents=True)
    csv_file.rename(tmp_path / "reports" / "out" / "results.csv")
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, str(DOCUMENT), "exec"), {})
    assert "decode_tps" in capsys.readouterr().out

"""``python -m harness results``, ``compare`` and ``summary``."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from harness.commands.main import main
from harness.measure.verdict import Status
from harness.options.table import options_of
from harness.results.tables import TABLES, columns
from suites.harness.results.made_up import a_device, a_verdict, night_id, samples, write_run

BEFORE = [101.0, 99.0, 100.0, 102.0, 98.0]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two nights of one device; in the second everything is 10 % slower."""
    write_run(tmp_path, 0, [a_device(), *samples(BEFORE), a_verdict(Status.PASS)])
    slower = samples([value * 0.9 for value in BEFORE])
    write_run(tmp_path, 1, [a_device(), *slower, a_verdict(Status.FAIL)], 1, git_commit="def")
    return tmp_path


def test_verdicts_are_shown_with_what_is_common_said_once(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["results", "--results", str(store)]) == 0
    told = capsys.readouterr().out
    assert "model tiny_smolvlm" in told
    assert told.count("tiny_smolvlm") == 1
    assert all(word in told for word in (night_id(0), night_id(1), "pass", "fail"))


@pytest.mark.parametrize("table", ["runs", *TABLES])
def test_every_table_has_all_its_columns_as_csv(
    store: Path, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["results", "--results", str(store), "--table", table, "--csv", "-"]) == 0
    header = capsys.readouterr().out.partition("\n")[0]
    assert header.split(",")[0] == "run_id"


def test_help_names_every_table() -> None:
    _, _, named = options_of("results")["table"].help.partition(": ")
    assert sorted(named.split(", ")) == sorted(["runs", *TABLES])


def test_filters_narrow_what_is_shown(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results", "--results", str(store), "--status", "fail"]) == 0
    told = capsys.readouterr().out
    assert night_id(1) in told
    assert night_id(0) not in told


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        (["--metric", "decode_tp"], "has metric 'decode_tp'; did you mean decode_tps?"),
        (["--run", night_id(0), "--status", "fail"], "has all of that at once; leave a filter out"),
    ],
)
def test_filters_that_nothing_fits_are_told(
    store: Path, filters: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["results", "--results", str(store), *filters]) == 0
    assert sentence in capsys.readouterr().out


def test_a_csv_file_opens_in_pandas_with_all_columns(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "samples.csv"
    command = ["results", "--results", str(store), "--table", "samples", "--csv", str(file)]
    assert main([*command, "--provenance"]) == 0
    frame = pd.read_csv(file)
    assert frame["value"].tolist() == [*BEFORE, *(value * 0.9 for value in BEFORE)]
    assert frame["git_commit"].tolist() == ["abc"] * 5 + ["def"] * 5
    assert set(frame["fingerprint"]) == {"AMD EPYC 7763"}
    assert list(frame)[: len(columns("samples"))] == [one.name for one in columns("samples")]


def test_groups_give_medians(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["results", "--results", str(store), "--group-by", "run_id,metric", "--csv", "-"]
    assert main(command) == 0
    frame = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert frame["median"].tolist() == [100.0, 90.0]
    assert frame["samples"].tolist() == [5, 5]


def test_a_run_is_named_by_the_beginning_of_its_name(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["results", "--results", str(store), "--run", night_id(0)[:8], "--csv", "-"]
    assert main(command) == 0
    frame = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert frame["run_id"].tolist() == [night_id(0)]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_explained(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results", "--columns", "--table", table]) == 0
    told = capsys.readouterr().out
    assert all(column.description for column in columns(table))
    assert all(column.name in told and column.description in told for column in columns(table))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["results", "--where", "modle=kv"], "There is no column 'modle'; did you mean mode"),
        (["results", "--group-by", "nights"], "There is no column 'nights'"),
        (["results", "--run", "2031"], "holds no run '2031'; list what it holds with"),
        (["results", "--run", "2026"], "2 runs of .* begin with '2026'"),
        (["results", "--csv", "/nowhere/at/all.csv"], r"all.csv cannot be written \(No such file"),
        (["results", "--since", "2030-01-01"], "holds no such runs"),
        (["compare", "2031", "latest"], "holds no run '2031'"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    store: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--results", str(store)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert re.search(sentence, told)


def test_two_runs_are_compared(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", night_id(0), "latest", "--results", str(store)]) == 0
    told = capsys.readouterr().out
    assert "-10.0 %" in told
    assert "code commit: abc -> def" in told
    assert "pytest suites -m perf --compare" in told


def test_runs_in_two_folders_have_to_be_merged_first(store: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", 3, samples(BEFORE))
    assert main(["compare", night_id(0), str(other), "--results", str(store)]) == 2


def test_a_damaged_run_is_left_out_and_named(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = store / night_id(0) / "rows-main.jsonl"
    journal.write_text(journal.read_text().replace('"decode_tps"', "decode_tps"))
    assert main(["results", "--results", str(store)]) == 0
    told = capsys.readouterr()
    assert "left out: " in told.err
    assert "is damaged" in told.err
    assert night_id(1) in told.out
    assert main(["compare", night_id(0), night_id(1), "--results", str(store)]) == 2


def test_a_run_is_summed_up_for_a_jobs_page(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", "--results", str(store)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"## Run `{night_id(1)}`: red\n")
    assert "1 verdict: 0 pass, 1 fail" in told
    assert "| fail | decode_tps | tiny_smolvlm fp32 kv host host-5ca1ab1e | 100 token/s |" in told

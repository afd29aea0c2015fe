"""``python -m harness results``, ``compare`` and ``summary``."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.commands.main import main
from harness.measure.verdict import Status
from harness.options.table import options_of
from harness.results.rows.schema import OutcomeRow
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
        (["--metric", "sqnr_db"], "No row of verdicts has metric 'sqnr_db'; known: decode_tps"),
        (["--status", "BLOCKED"], "No row of verdicts has status 'BLOCKED'"),
        (["--run", night_id(0), "--status", "fail"], "has all of that at once; leave a filter out"),
    ],
)
def test_filters_that_nothing_fits_but_something_might_are_told(
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


def test_devices_are_not_pooled_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = samples([10.0] * 5, device="host-bbbbbbbb")
    invalid = samples([1.0], valid=False, invalid_reason="warm")
    write_run(tmp_path, 0, [*samples(BEFORE), *others, *invalid])
    command = ["results", "--results", str(tmp_path), "--group-by", "run_id,model,mode"]
    assert main([*command, "--csv", "-"]) == 0
    told = capsys.readouterr()
    frame = pd.read_csv(io.StringIO(told.out))
    assert dict(zip(frame["device"], frame["median"], strict=True)) == {
        "host-5ca1ab1e": 100.0,
        "host-bbbbbbbb": 10.0,
    }
    assert "also grouped by device, " in told.err
    assert "1 sample left out: invalid, " in told.err


def test_copies_are_told_once(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for night in (0, 1):
        shutil.copytree(store / night_id(night), store / f"{night_id(night)} (1)")
    assert main(["results", "--results", str(store), "--group-by", "metric", "--csv", "-"]) == 0
    told = capsys.readouterr()
    assert pd.read_csv(io.StringIO(told.out))["samples"].tolist() == [10]
    assert told.err.count("copies: 2 files repeat rows of others, which count once: ") == 1


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
        (["results", "--group-by", " , "], "--group-by ' , ' names no column"),
        (["results", "--show", ""], "--show '' names no column"),
        (["results", "--limit", "-3"], "--limit -3 would show no rows"),
        (["results", "--run", "2031"], "holds no run '2031'; list what it holds with"),
        (["results", "--run", "2026"], "2 runs of .* begin with '2026'"),
        (["results", "--csv", "/nowhere/at/all.csv"], r"all.csv cannot be written \(No such file"),
        (["results", "--since", "2030-01-01"], "holds no such runs"),
        (["results", "--metric", "decode_tsp"], "has metric 'decode_tsp'; did you mean decode_tps"),
        (["results", "--metric", "decode_tsp", "--csv", "-"], "did you mean decode_tps"),
        (["results", "--where", "mode=hybird"], "No row of verdicts has mode 'hybird'"),
        (["results", "--soc", "SM8560"], "No row of verdicts has soc 'SM8560'"),
        (["results", "--device", "R5CT"], "No row of verdicts has device 'R5CT'"),
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


@pytest.mark.parametrize("width", [60, 80, 133, 200])
@pytest.mark.parametrize(
    "words",
    [
        ["results"],
        ["results", "--table", "samples", "--all"],
        ["results", "--table", "sessions"],
        ["results", "--table", "outcomes"],
        ["results", "--group-by", "metric"],
        ["compare", night_id(0), "latest"],
        ["compare", night_id(0), "latest", "--all"],
        ["noise"],
    ],
    ids=" ".join,
)
def test_nothing_is_wider_than_the_terminal(
    store: Path,
    width: int,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    long_id = "suites/perf/test_speed.py::test_speed[a-parameter-that-somebody-spelled-out]"
    outcome = OutcomeRow(test_id=long_id, outcome="passed", duration_s=1, rerun_command="pytest")
    both = [*samples(BEFORE), *samples([1.5], metric="ms_per_token_lower_bound", unit="ms")]
    write_run(store, 2, [*both, a_verdict(median=None, n_samples=0), outcome], None)
    assert main([*words, "--results", str(store)]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= width
    assert not re.search(r"\b(nan|NaN|None|NaT|<NA>)\b", told)


def test_what_finds_no_room_is_named(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "25")
    command = ["results", "--results", str(store), "--group-by", "run_id"]
    assert main(command) == 0
    narrow = " ".join(capsys.readouterr().out.split())
    assert "Left out for want of room: min, max; --show chooses columns" in narrow
    assert main([*command, "--all"]) == 0
    assert "max: 102" in capsys.readouterr().out


def test_rows_beyond_the_limit_are_counted(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["results", "--results", str(store), "--table", "samples"]
    assert main([*command, "--limit", "3"]) == 0
    assert "The last 3 of 10 rows; --limit shows more" in capsys.readouterr().out
    assert main([*command, "--all"]) == 0
    assert "The last" not in capsys.readouterr().out


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
    assert f"**What changed** since run `{night_id(0)}`" in told
    assert "1 verdict: 0 pass, 1 fail" in told
    assert "| fail | decode_tps | tiny_smolvlm fp32 kv host host-5ca1ab1e | 100 token/s |" in told


@pytest.mark.parametrize("on_github", [True, False])
def test_annotations_are_for_github_alone_and_beside_the_summary(
    store: Path,
    on_github: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", str(on_github).lower())
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "ada/snapgate")
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    assert main(["summary", "--results", str(store)]) == 0
    told = capsys.readouterr()
    assert "::error" not in told.out
    assert told.err.startswith("::error file=suites/perf/test_speed.py,") == on_github
    assert (
        "(https://github.example/ada/snapgate/actions/runs/7#artifacts)" in told.out
    ) == on_github


def test_a_tables_numbers_say_what_they_are_of_and_keep_their_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As ``-m size`` writes them: one value per component, precision and artifact."""
    parts = [
        {"component": component, "precision": precision, "artifact_key": digit * 64}
        for digit, component in (("a", "vision_encoder"), ("b", "text_decoder"))
        for precision in ("fp32", "8da4w")
    ]
    rows = [row for part in parts for row in (*samples([7.5], **part), a_verdict(**part))]
    write_run(tmp_path, 0, rows)
    for arguments in ([], ["--table", "samples"], ["--group-by", "metric"]):
        assert main(["results", *arguments, "--results", str(tmp_path)]) == 0
        told = capsys.readouterr().out
        assert {"vision_encoder", "text_decoder", "fp32", "8da4w"} <= set(re.findall(r"\w+", told))
        assert ("7.5" in told) == bool(arguments)
        assert "a" * 13 not in told, "of a key, no more than an artifact's folder has of it"
        assert max(map(len, told.splitlines())) <= 80

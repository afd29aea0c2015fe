"""All runs as frames, with their provenance."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from harness.results.history import load_history
from harness.results.journal import Journal
from harness.results.rows.schema import DeviceStateRow
from harness.results.tables import TABLES
from suites.harness.results.made_up import (
    FIRST_NIGHT,
    SUBJECT,
    a_device,
    a_session,
    a_verdict,
    night_id,
    samples,
    write_run,
)


def test_runs_come_oldest_first_with_how_they_ended(tmp_path: Path) -> None:
    write_run(tmp_path, 2, [], exit_status=None)
    write_run(tmp_path, 0, samples([1.0]), exit_status=0)
    write_run(tmp_path, 1, [a_verdict()], exit_status=10)
    runs = load_history(tmp_path).runs
    assert runs["run_id"].tolist() == [night_id(0), night_id(1), night_id(2)]
    assert runs["finished"].tolist() == [True, True, False]
    assert runs["exit_status"].tolist() == [0, 10, pd.NA]
    assert runs["started_at"].iloc[0] == FIRST_NIGHT


def test_every_sample_carries_where_it_comes_from(tmp_path: Path) -> None:
    rows = [a_device(qnn_version="v2.41.0"), *samples([101.0, 99.0])]
    write_run(tmp_path, 0, rows, git_commit="b30fa27")
    history = load_history(tmp_path)
    known = history.provenance(history.samples)
    assert known["value"].tolist() == [101.0, 99.0]
    assert set(known["git_commit"]) == {"b30fa27"}
    assert set(known["fingerprint"]) == {"AMD EPYC 7763"}
    assert set(known["qnn_version"]) == {"v2.41.0"}
    assert json.loads(known["versions"].iloc[0])["torch"] == "2.13.0"
    assert json.loads(known["options"].iloc[0]) == {"model": ["tiny_smolvlm"]}


def test_every_sample_carries_the_state_of_its_device_around_its_run(tmp_path: Path) -> None:
    states = [
        DeviceStateRow.model_validate(
            {**SUBJECT, "run_index": index, "before": {"battery_c": 30 + index}, "after": None}
        )
        for index in (1, 0)
    ]
    write_run(tmp_path, 0, [*states, *samples([101.0, 99.0, 98.0])])
    history = load_history(tmp_path)
    known = history.provenance(history.samples)
    assert known["value"].tolist() == [101.0, 99.0, 98.0]
    told = [None if pd.isna(text) else json.loads(text) for text in known["device_before"]]
    assert told == [{"battery_c": 30}, {"battery_c": 31}, None]
    assert known["device_after"].isna().all()
    assert "device_before" not in history.provenance(history.verdicts)


def test_a_workers_rows_are_told_by_the_workers_own_session(tmp_path: Path) -> None:
    run = write_run(tmp_path, 0, [])
    with Journal(run, "gw0") as journal:
        journal.append(a_session(run.name, "gw0", git_commit="def"))
        for row in samples([99.0]):
            journal.append(row)
    history = load_history(tmp_path)
    [row] = history.provenance(history.samples).to_dict("records")
    assert (row["worker"], row["git_commit"]) == ("gw0", "def")
    assert pd.isna(row["fingerprint"])


def test_dtypes_are_those_that_are_documented(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples([101.0]))
    empty, full = load_history(tmp_path / "nothing").samples, load_history(tmp_path).samples
    for frame in (empty, full):
        found = frame.dtypes
        assert found["metric"] == "string"
        assert found["value"] == "Float64"
        assert found["run_index"] == "Int64"
        assert found["valid"] == "boolean"
        assert str(found["at"]) == "datetime64[us, UTC]"
    assert full["component"].isna().all()


def test_infinite_values_stay_infinite(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples([float("inf")], metric="sqnr_db", unit="dB"))
    assert load_history(tmp_path).samples["value"].tolist() == [float("inf")]


def test_runs_before_a_day_can_be_left_out(tmp_path: Path) -> None:
    for night in range(3):
        write_run(tmp_path, night, samples([100.0]))
    history = load_history(tmp_path, since=FIRST_NIGHT + timedelta(days=1))
    assert history.runs["run_id"].tolist() == [night_id(1), night_id(2)]
    assert len(history.samples) == 2


def test_frames_that_nobody_asked_for_stay_empty(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [*samples([100.0]), a_verdict()])
    history = load_history(tmp_path, tables={"runs", "verdicts"})
    assert (len(history.runs), len(history.verdicts), len(history.samples)) == (1, 1, 0)
    assert list(history.samples) == list(load_history(tmp_path).samples)


def test_two_machines_folders_merge_by_copying(tmp_path: Path) -> None:
    here, there, both = tmp_path / "here", tmp_path / "there", tmp_path / "both"
    write_run(here, 0, samples([100.0], device="host-aaaaaaaa"))
    write_run(there, 1, samples([50.0], device="host-bbbbbbbb"))
    for machine in (here, there):
        load_history(machine)
        shutil.copytree(machine, both, dirs_exist_ok=True)
    merged = load_history(both)
    assert merged.samples["device"].tolist() == ["host-aaaaaaaa", "host-bbbbbbbb"]
    assert merged.runs["run_id"].tolist() == [night_id(0), night_id(1)]


def test_a_damaged_run_is_named_and_does_not_cost_the_others(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples([100.0]))
    damaged = write_run(tmp_path, 1, samples([100.0])) / "rows-main.jsonl"
    damaged.write_text(damaged.read_text().replace("decode_tps", 'decode"tps'))
    history = load_history(tmp_path)
    assert history.runs["run_id"].tolist() == [night_id(0)]
    [sentence] = history.unreadable
    assert f"{damaged} line 2 is damaged" in sentence


def test_a_run_whose_end_is_damaged_leaves_nothing_of_its_beginning(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples([100.0]))
    damaged = write_run(tmp_path, 1, samples([200.0, 300.0])) / "rows-main.jsonl"
    damaged.write_text(damaged.read_text().replace('"value":300.0', '"value":"many"'))
    history = load_history(tmp_path)
    assert history.samples["value"].tolist() == [100.0]
    assert history.sessions["run_id"].tolist() == [night_id(0)]


def test_a_run_that_nothing_names_is_told_when_time_matters(tmp_path: Path) -> None:
    with Journal(tmp_path / "night", "main") as journal:
        journal.append(*samples([100.0]))
    history = load_history(tmp_path, since=FIRST_NIGHT)
    assert history.runs.empty
    assert "is not named by the time of its start" in history.unreadable[0]


def test_no_results_are_an_empty_history(tmp_path: Path) -> None:
    history = load_history(tmp_path / "missing")
    assert all(getattr(history, table).empty for table in ("runs", *TABLES))


def test_killed_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """Earlier rows intact, the torn one counted."""
    run = write_run(tmp_path, 0, samples([101.0, 99.0, 98.0]), exit_status=None)
    journal = run / "rows-main.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    history = load_history(tmp_path)
    assert history.samples["value"].tolist() == [101.0, 99.0]
    assert history.runs["torn"].tolist() == [1]


@pytest.mark.parametrize("module", ["harness.results.history", "harness.commands.results"])
def test_history_is_read_without_torch(module: str) -> None:
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

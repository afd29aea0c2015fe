"""Rows of earlier schema versions stay readable."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.results.history import History, load_history
from harness.results.journal import Journal
from harness.results.journal_copies import read_rows
from harness.results.rows.schema import SCHEMA_VERSION, SessionRow
from suites.harness.results.made_up import a_session

VERSION_1 = Path(__file__).with_name("version_1")
"""A run that snapgate 0.1 wrote before there were comparisons, devices and cold sessions."""


@pytest.fixture
def history(tmp_path: Path) -> History:
    """The run of version 1, read by this version."""
    shutil.copytree(VERSION_1, tmp_path / "results")
    return load_history(tmp_path / "results")


def test_samples_of_version_1_keep_their_numbers(history: History) -> None:
    samples = history.samples
    assert samples["value"].tolist() == [101.5, 99.0, float("inf")]
    assert samples["valid"].tolist() == [True, True, False]
    assert samples["invalid_reason"].iloc[2] == "the clock stood still"
    assert set(samples["device"]) == {"host-5ca1ab1e"}


def test_what_version_1_did_not_know_is_missing_or_its_only_value(history: History) -> None:
    assert set(history.samples["cold_session"]) == {0}
    assert history.samples["side"].isna().all()
    assert set(history.verdicts["quarantined"]) == {False}
    assert history.devices.empty
    assert history.provenance(history.samples)["qnn_version"].isna().all()


def test_verdicts_answers_and_the_end_of_version_1_are_kept(history: History) -> None:
    [verdict] = history.verdicts.to_dict("records")
    assert (verdict["status"], verdict["median"], verdict["gate_min"]) == (
        "inconclusive",
        100.25,
        50.0,
    )
    assert verdict["gate_since"] == date(2026, 11, 1)
    assert history.answers["given"].tolist() == ["4"]
    assert history.outcomes["duration_s"].tolist() == [9.5]
    assert history.runs["exit_status"].tolist() == [10]
    assert history.runs["torn"].tolist() == [0]
    assert not history.unreadable


def test_versions_mix_in_one_folder(tmp_path: Path) -> None:
    run = tmp_path / "20261123T101500Z-4f1c9a"
    shutil.copytree(VERSION_1 / run.name, run)
    with Journal(run, "main-2") as journal:
        journal.append(a_session(run.name, "main-2"))
    versions = [row.schema_version for row in read_rows(run).rows if isinstance(row, SessionRow)]
    assert versions == [1, 1, SCHEMA_VERSION]
    assert load_history(tmp_path).sessions["schema_version"].tolist() == versions


def test_a_damaged_row_of_an_earlier_version_is_named(tmp_path: Path) -> None:
    run = tmp_path / "20261123T101500Z-4f1c9a"
    shutil.copytree(VERSION_1 / run.name, run)
    file = run / "rows-gw0.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], "[1, 2]\n", '{"kind": "sam\n', *lines[1:]]))
    with pytest.raises(UserError, match=r"rows-gw0\.jsonl line 2 is damaged"):
        read_rows(run)
    assert load_history(tmp_path).runs.empty

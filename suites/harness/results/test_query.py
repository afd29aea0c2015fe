"""Frames of results are filtered by what a person types, and summed up as verdicts are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UserError
from harness.results.history import load_history
from harness.results.query import measured, select, summarize
from suites.harness.results.made_up import samples, write_run


@pytest.fixture
def frame(tmp_path: Path) -> pd.DataFrame:
    """Samples of two metrics, an invalid one, one of a comparison, and a cold re-run of one."""
    rows = [
        *samples([101.0, 99.0, 100.0, 102.0, 98.0]),
        *samples([500.0], valid=False, invalid_reason="the device is warm"),
        *samples([900.0], side="B"),
        *samples([40.0] * 5, metric="ttft_ms", unit="ms"),
        *samples([30.0] * 5, metric="ttft_ms", unit="ms", cold_session=1),
    ]
    write_run(tmp_path, 0, rows)
    return load_history(tmp_path).samples


def test_rows_are_chosen_by_any_of_several_values(frame: pd.DataFrame) -> None:
    assert len(select(frame, {"metric": ["decode_tps", "prefill_tps"], "mode": ["KV"]})) == 7
    assert len(select(frame, {"metric": ["decode_tps"], "valid": ["false"]})) == 1
    assert len(select(frame, {"component": [""], "run_index": ["4"]})) == 3


def test_a_column_that_is_not_there_is_told_with_the_nearest(frame: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="no column 'metrics'; did you mean metric"):
        select(frame, {"metrics": ["decode_tps"]})


def test_what_a_verdict_does_not_rest_on_is_left_out(frame: pd.DataFrame) -> None:
    counted = measured(frame)
    assert sorted(counted.loc[counted["metric"] == "decode_tps", "value"]) == [
        98.0,
        99.0,
        100.0,
        101.0,
        102.0,
    ]
    assert set(counted.loc[counted["metric"] == "ttft_ms", "value"]) == {30.0}


def test_groups_are_summed_up_by_their_median_and_its_bounds(frame: pd.DataFrame) -> None:
    summary = summarize(measured(frame), ["model", "metric"])
    [decode, ttft] = summary.to_dict("records")
    assert (decode["model"], decode["metric"], decode["samples"]) == (
        "tiny_smolvlm",
        "decode_tps",
        5,
    )
    assert (decode["median"], decode["lower"], decode["upper"]) == (100.0, 98.0, 102.0)
    assert decode["cv"] == pytest.approx(0.0158, abs=1e-4)
    assert (ttft["median"], ttft["cv"]) == (30.0, 0.0)


def test_few_samples_have_no_bounds(frame: pd.DataFrame) -> None:
    few = frame[frame["metric"] == "decode_tps"].head(2)
    [row] = summarize(few, ["metric"]).to_dict("records")
    assert pd.isna(row["lower"])
    assert row["median"] == 100.0


def test_no_samples_make_no_groups(frame: pd.DataFrame) -> None:
    assert summarize(frame.head(0), ["metric"]).empty


def test_missing_values_make_a_group_of_their_own(frame: pd.DataFrame) -> None:
    assert len(summarize(frame, ["component", "side"])) == 2

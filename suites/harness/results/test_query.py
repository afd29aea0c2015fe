"""Frames of results are filtered by what a person types, and summed up as verdicts are."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UserError
from harness.results.history import load_history
from harness.results.query import NEVER_POOLED, measured, nightly, select, summarize, unpooled
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


def test_a_key_may_be_typed_as_far_as_it_is_shown(frame: pd.DataFrame) -> None:
    assert len(select(frame, {"artifact_key": ["C0FF"]})) == len(frame)
    assert select(frame, {"artifact_key": ["", "ffee"]}).empty
    assert select(frame, {"metric": ["decode"]}).empty


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


OTHERS: dict[str, dict[str, object]] = {
    "model": {"model": "tiny_internvl3"},
    "metric": {"metric": "prefill_tps"},
    "component": {"component": "text_decoder"},
    "target": {"target": "emulator"},
    "soc": {"soc": "SM8550"},
    "device": {"device": "host-bbbbbbbb"},
    "mode": {"mode": "hybrid"},
    "precision": {"precision": "8da4w"},
    "protocol": {"protocol": "upstream"},
    "workload": {"workload": "66 steps"},
    "unit": {"unit": "ms"},
    "virtual": {"virtual": True},
    "method": {"method": "no warm-up"},
    "artifact_key": {"artifact_key": "f00d"},
}


@pytest.mark.parametrize("name", NEVER_POOLED)
def test_what_must_not_be_pooled_is_added_to_a_grouping(tmp_path: Path, name: str) -> None:
    rows = [*samples([1.0, 2.0]), *samples([10.0, 20.0], **OTHERS[name])]
    write_run(tmp_path, 0, rows)
    counted = measured(load_history(tmp_path).samples)
    assert unpooled(counted, ["run_id"]) == (name,)
    assert unpooled(counted, ["run_id", name]) == ()
    summary = summarize(counted, ["run_id", name])
    assert sorted(summary["median"]) == [1.5, 15.0]


def test_a_column_that_follows_from_another_is_not_added(tmp_path: Path) -> None:
    phones = [samples([1.0], device=d, soc=s) for d, s in (("A", "SM8550"), ("B", "SM8650"))]
    write_run(tmp_path, 0, [row for rows in phones for row in rows])
    assert unpooled(load_history(tmp_path).samples, ["device"]) == ()


def test_nights_of_one_artifact_stay_one_group(tmp_path: Path) -> None:
    for night in (0, 1):
        write_run(tmp_path, night, samples([1.0]))
    frame = load_history(tmp_path).samples
    assert unpooled(frame, ["metric"]) == ()
    assert unpooled(frame.head(0), ["metric"]) == ()


def test_a_cold_rerun_of_one_artifact_leaves_the_others_samples(tmp_path: Path) -> None:
    again = samples([40.0], cold_session=1)
    write_run(tmp_path, 0, [*samples([50.0]), *samples([10.0], artifact_key="f00d"), *again])
    assert sorted(measured(load_history(tmp_path).samples)["value"]) == [10.0, 40.0]


def test_a_nights_point_is_of_one_artifact(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [*samples([50.0, 52.0]), *samples([10.0], artifact_key="f00d")])
    history = load_history(tmp_path)
    [point] = nightly(history.samples, history.verdicts).to_dict("records")
    assert (point["median"], point["low"], point["high"]) == (10.0, 10.0, 10.0)


@pytest.mark.parametrize("values", [[math.inf] * 5, [-math.inf, math.inf], [math.inf, 1.0, 2.0]])
def test_what_is_not_finite_has_a_median_and_no_scatter(
    tmp_path: Path, values: list[float]
) -> None:
    """The SQNR of equal outputs is infinite."""
    write_run(tmp_path, 0, samples(values, metric="sqnr_db", unit="dB"))
    [row] = summarize(load_history(tmp_path).samples, ["metric"]).to_dict("records")
    assert (row["samples"], row["max"]) == (len(values), math.inf)
    assert pd.isna(row["cv"])


def test_what_is_no_number_makes_no_nights_point(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples([math.nan] * 5))
    write_run(tmp_path, 1, samples([-math.inf, math.inf]))
    write_run(tmp_path, 2, samples([math.nan, 7.0]))
    history = load_history(tmp_path)
    assert nightly(history.samples, history.verdicts)["median"].tolist() == [7.0]

"""Two runs side by side."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from harness.measure.verdict import Status
from harness.results.history import load_history
from harness.results.rows.schema import Row
from harness.results.run_comparison import Difference, RunComparison, compare_runs
from suites.harness.results.made_up import a_device, a_verdict, night_id, samples, write_run

BEFORE = [101.0, 99.0, 100.0, 102.0, 98.0]


def compared(results: Path) -> RunComparison:
    """The first two nights."""
    return compare_runs(load_history(results), night_id(0), night_id(1))


def test_medians_verdicts_and_the_change_are_laid_side_by_side(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [*samples(BEFORE), a_verdict(Status.PASS)])
    write_run(tmp_path, 1, [*samples([v * 0.9 for v in BEFORE]), a_verdict(Status.FAIL)])
    [row] = compared(tmp_path).rows.to_dict("records")
    assert (row["median_1"], row["median_2"], row["unit"]) == (100.0, 90.0, "token/s")
    assert round(row["change"], 6) == -0.1
    assert (row["status_1"], row["status_2"]) == ("pass", "fail")
    assert (row["better"], row["bounds_overlap"]) == (False, False)


def test_less_of_a_time_is_better_and_near_bounds_overlap(tmp_path: Path) -> None:
    where = {"metric": "ttft_ms", "unit": "ms"}
    write_run(tmp_path, 0, samples(BEFORE, **where))
    write_run(tmp_path, 1, samples([v - 1 for v in BEFORE], **where))
    [row] = compared(tmp_path).rows.to_dict("records")
    assert (row["better"], row["bounds_overlap"]) == (True, True)


def test_what_only_one_run_measured_is_there_without_a_change(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples(BEFORE, mode="kv"))
    write_run(tmp_path, 1, samples(BEFORE, mode="hybrid"))
    rows = compared(tmp_path).rows
    assert set(rows["mode"]) == {"kv", "hybrid"}
    assert rows["change"].isna().all()
    assert rows["better"].isna().all()


def test_two_devices_are_never_compared(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples(BEFORE, device="host-aaaaaaaa"))
    write_run(tmp_path, 1, samples(BEFORE, device="host-bbbbbbbb"))
    assert compared(tmp_path).rows["change"].isna().all()


def test_the_verdict_of_the_cold_session_is_the_one_that_counts(tmp_path: Path) -> None:
    verdicts = [a_verdict(Status.FAIL), a_verdict(Status.INCONCLUSIVE, cold_session=1)]
    write_run(tmp_path, 0, [*samples(BEFORE), *verdicts])
    write_run(tmp_path, 1, samples(BEFORE))
    [row] = compared(tmp_path).rows.to_dict("records")
    assert row["status_1"] == "inconclusive"
    assert pd.isna(row["status_2"])


def test_circumstances_that_differ_are_named(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [a_device(fingerprint="kernel 6.8")], git_commit="abc")
    write_run(
        tmp_path,
        1,
        [a_device(fingerprint="kernel 6.9")],
        git_commit=None,
        options={"kv_encodings": "requantized", "model": ["tiny_smolvlm"]},
    )
    assert compared(tmp_path).differences == (
        Difference("code", "commit", "abc", None),
        Difference("device", "host-5ca1ab1e fingerprint", "kernel 6.8", "kernel 6.9"),
        Difference("option", "--kv-encodings", None, "requantized"),
    )


def test_a_gate_that_there_was_not_before_is_a_difference(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [*samples(BEFORE), a_verdict(Status.NO_GATE)])
    write_run(tmp_path, 1, [*samples(BEFORE), a_verdict(Status.FAIL, gate_min=200.0)])
    name = "decode_tps tiny_smolvlm kv fp32 host"
    assert compared(tmp_path).differences == (Difference("gate", name, "none", "≥ 200"),)


def test_gates_have_every_digit_that_the_session_s_table_has(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [a_verdict(Status.PASS, gate_min=1_271_808.0)])
    write_run(tmp_path, 1, [a_verdict(Status.PASS, gate_min=1_271_809.0)])
    name = "decode_tps tiny_smolvlm kv fp32 host"
    different = Difference("gate", name, "≥ 1,271,808", "≥ 1,271,809")
    assert compared(tmp_path).differences == (different,)


def test_where_a_run_is_written_is_no_difference(tmp_path: Path) -> None:
    for night in (0, 1):
        places = {"run_id": night_id(night), "report_dir": f"out/{night}", "results": f"{night}"}
        write_run(tmp_path, night, [a_device()], options=places)
    assert compared(tmp_path).differences == ()


def test_two_artifacts_of_a_run_are_never_one_median(tmp_path: Path) -> None:
    """Each stands beside itself in the other run; one that only one run has stands alone."""
    both = [*samples([100.0]), *samples([50.0], artifact_key="f00d")]
    write_run(
        tmp_path, 0, [*both, a_verdict(Status.PASS), a_verdict(Status.FAIL, artifact_key="f00d")]
    )
    write_run(tmp_path, 1, [*samples([90.0]), *samples([5.0], artifact_key="beef")])
    rows = compared(tmp_path).rows.set_index("artifact_1", drop=False)
    assert rows.loc["c0ffee", ["median_1", "median_2", "status_1"]].tolist() == [100, 90, "pass"]
    assert rows.loc["f00d", ["median_1", "status_1"]].tolist() == [50, "fail"]
    assert rows["change"].notna().sum() == 1


def test_one_artifact_of_each_run_is_compared_although_it_was_built_anew(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples([100.0]))
    write_run(tmp_path, 1, samples([90.0], artifact_key="f00d"))
    [row] = compared(tmp_path).rows.to_dict("records")
    assert (row["median_1"], row["median_2"]) == (100.0, 90.0)


def a_share(count: int, of: int, lower: float, upper: float) -> list[Row]:
    value = {"metric": "exact_match", "unit": "share"}
    bounds = {"median": count / of, "lower": lower, "upper": upper, "interval": "share"}
    return [*samples([count / of], **value), a_verdict(**value, **bounds, count_of=of)]


def test_shares_whose_bounds_overlap_have_not_changed(tmp_path: Path) -> None:
    """0.98 of 200 scenes and 0.95 of 40 may be the same weights."""
    write_run(tmp_path, 0, a_share(196, 200, 0.943, 0.996))
    write_run(tmp_path, 1, a_share(38, 40, 0.807, 0.996))
    assert compared(tmp_path).changed.empty
    [row] = compared(tmp_path).rows.to_dict("records")
    assert row["bounds_overlap"]


def test_shares_whose_bounds_are_apart_have(tmp_path: Path) -> None:
    write_run(tmp_path, 0, a_share(196, 200, 0.943, 0.996))
    write_run(tmp_path, 1, a_share(160, 200, 0.731, 0.858))
    assert len(compared(tmp_path).changed) == 1

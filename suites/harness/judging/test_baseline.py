"""Where the other side of a comparison comes from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from harness.artifacts.artifact import open_artifact
from harness.errors import UserError
from harness.judging.baseline import Baseline, NoBaseline, check_comparable, find_artifact
from harness.judging.latest_green import GreenArtifact, Lane, find_latest_green
from harness.measure.gate import Context
from harness.measure.verdict import Status
from harness.results.rows.schema import ComparisonRow, VerdictRow
from suites.harness.fixtures.conftest import hollow_artifact
from suites.harness.results.made_up import (
    FIRST_NIGHT,
    SUBJECT,
    a_device,
    a_verdict,
    night_id,
    write_run,
)

CONTEXT = Context("tiny_smolvlm", "host", mode="kv", precision="fp32")
LANE = Lane(CONTEXT, "host-5ca1ab1e", qnn_version="v2.47")
OLD, NEW = "0ddba11" + "0" * 57, "decade" + "0" * 58


def cached(folder: Path, key: str, **changes: object) -> Path:
    """An artifact in a cache, named as the exporter names it, with the lock beside it."""
    name = f"tiny_smolvlm-xnnpack-hybrid-{key[:12]}"
    path = hollow_artifact(folder / "artifacts" / name, key=key, **changes)
    (path.parent / f".{name}.lock").touch()
    return path


@pytest.mark.parametrize(
    "name",
    [
        "{path}",
        "{path}/",
        OLD,
        OLD[:12],
        OLD[:20],
        OLD.upper(),
        "0ddba11",
        f"tiny_smolvlm-xnnpack-hybrid-{OLD[:12]}",
        f"tiny_smolvlm-xnnpack-hybrid-{OLD[:12]}/",
        "tiny_smolvlm-xnnpack-hybrid-0d",
        "tiny_smol",
    ],
)
def test_an_artifact_is_named_by_whatever_is_shown_of_it(tmp_path: Path, name: str) -> None:
    path = cached(tmp_path, OLD)
    assert find_artifact(name.format(path=path), tmp_path) == path


def test_a_whole_name_is_meant_although_another_begins_with_it(tmp_path: Path) -> None:
    path = cached(tmp_path, OLD)
    hollow_artifact(path.with_name(f"{path.name}-copy"), key=NEW)
    assert find_artifact(path.name, tmp_path) == path


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("facade", "'facade' is neither a folder nor the name or key of an artifact in"),
        (OLD[:12] + "1", "neither a folder nor the name or key"),
        ("", "'' is neither a folder nor the name or key"),
        ("~nobody/a", "neither a folder nor the name or key .* known: tiny_smolvlm-xnnpack"),
        ("../../etc", "neither a folder nor the name or key"),
        ("0ddba1", "2 artifacts in .* have names or keys that begin with '0ddba1'"),
    ],
)
def test_a_name_that_fits_none_or_several_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    # Two folders above a checkout there may be such a folder.
    monkeypatch.chdir(tmp_path)
    cached(tmp_path, OLD)
    cached(tmp_path, "0ddba1f" + "0" * 57)
    with pytest.raises(UserError, match=sentence):
        find_artifact(name, tmp_path)


def test_the_latest_green_run_of_that_place_counts(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [a_verdict(artifact_key="older")])
    write_run(tmp_path, 1, [a_verdict(artifact_key=OLD)])
    write_run(tmp_path, 2, [a_verdict(Status.FAIL, artifact_key=NEW)], exit_status=1)
    write_run(tmp_path, 3, [a_verdict(artifact_key=NEW, mode="hybrid")])
    write_run(tmp_path, 4, [a_verdict(artifact_key=NEW)], exit_status=None)
    write_run(tmp_path, 5, [a_verdict(artifact_key=NEW)], exit_status=13)
    assert find_latest_green(tmp_path, LANE).found == GreenArtifact(OLD, night_id(1), "abc")


def compared(key: str, outcome: str, minute: int = 0, **fields: object) -> ComparisonRow:
    """A comparison of an artifact with some baseline."""
    given = {
        **SUBJECT,
        "artifact_key": key,
        "baseline_key": "some other",
        "metric": "decode_tps",
        "unit": "token/s",
        "outcome": outcome,
        "n_pairs": 20,
        "sentence": "compared",
        "at": FIRST_NIGHT + timedelta(minutes=minute),
    }
    return ComparisonRow.model_validate({**given, **fields})


def test_a_slower_artifact_is_no_baseline_though_every_gate_passes(tmp_path: Path) -> None:
    """Else a slowdown would be told one night and taken for granted from the next on."""
    write_run(tmp_path, 0, [a_verdict(artifact_key=OLD)])
    write_run(tmp_path, 1, [compared(NEW, "slower"), compared(NEW, "same", metric="ttft_ms")], 1)
    write_run(tmp_path, 2, [a_verdict(artifact_key=NEW)])
    assert find_latest_green(tmp_path, LANE).found == GreenArtifact(OLD, night_id(0), "abc")


@pytest.mark.parametrize(
    "row",
    [
        compared(NEW, "same", minute=1),
        compared(NEW, "slower", mode="hybrid"),
        compared("another", "slower"),
    ],
)
def test_other_comparisons_leave_the_latest_green_run_what_it_is(
    tmp_path: Path, row: ComparisonRow
) -> None:
    earlier = [compared(NEW, "slower")] if row.outcome == "same" else []
    write_run(tmp_path, 0, [a_verdict(artifact_key=OLD)])
    write_run(tmp_path, 1, [*earlier, row], 1)
    write_run(tmp_path, 2, [a_verdict(artifact_key=NEW)])
    assert find_latest_green(tmp_path, LANE).found == GreenArtifact(NEW, night_id(2), "abc")


def test_where_nobody_was_green_there_is_no_baseline(tmp_path: Path) -> None:
    candidate = open_artifact(cached(tmp_path, NEW))
    with pytest.raises(NoBaseline, match=r"No green run in .* measured the speed of tiny_smolvlm"):
        Baseline(None, tmp_path, tmp_path / "runs").of(candidate, LANE)


@pytest.mark.parametrize(
    ("row", "session", "reason"),
    [
        (a_verdict(metric="exact_match"), {}, "without performance"),
        (a_verdict(metric="pte_bytes"), {}, "without performance"),
        (a_verdict(Status.NO_GATE), {}, "without performance"),
        (a_verdict(device="another"), {}, "of another device"),
        (a_verdict(mode="hybrid"), {}, "of another mode"),
        (a_verdict(precision="8da4w"), {}, "of another precision"),
        (a_verdict(model="tiny_internvl3"), {}, "of another model"),
        (a_verdict(target="phone", soc="SM8650"), {}, "of another target"),
        (a_verdict(protocol="upstream"), {}, "of another protocol"),
        (
            a_verdict(),
            {"options": {"kv_encodings": "requantized"}},
            "with requantized KV encodings",
        ),
        (a_verdict(artifact_key=None), {}, "without an artifact's key"),
    ],
)
def test_a_green_run_of_another_lane_or_without_speed_is_none(
    row: VerdictRow, session: dict[str, object], reason: str, tmp_path: Path
) -> None:
    """Somebody's accuracy experiment is green as well, and says nothing of speed."""
    write_run(tmp_path, 0, [a_verdict(artifact_key=OLD)])
    write_run(tmp_path, 1, [row], **session)
    search = find_latest_green(tmp_path, LANE)
    assert search.found == GreenArtifact(OLD, night_id(0), "abc")
    assert search.refused == {reason: 1}


def test_a_green_run_of_another_workload_is_one(tmp_path: Path) -> None:
    """Its figures are held against nothing: both artifacts are measured anew, with one workload."""
    write_run(tmp_path, 0, [a_verdict(artifact_key=OLD, workload="66 steps")])
    assert find_latest_green(tmp_path, LANE).found == GreenArtifact(OLD, night_id(0), "abc")


def test_a_run_with_other_qnn_libraries_is_none(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [a_device(qnn_version="v2.47"), a_verdict(artifact_key=OLD)])
    write_run(tmp_path, 1, [a_device(qnn_version="v2.46"), a_verdict(artifact_key=NEW)])
    search = find_latest_green(tmp_path, LANE)
    assert search.found == GreenArtifact(OLD, night_id(0), "abc")
    assert search.refused == {"with QNN v2.46": 1}


def test_where_no_run_does_all_are_counted_by_what_hinders_them(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", 0, [a_verdict()], exit_status=None)
    write_run(tmp_path / "runs", 1, [a_verdict(Status.FAIL)], exit_status=1)
    for night in (2, 3, 4):
        write_run(tmp_path / "runs", night, [a_verdict(metric="exact_match")])
    candidate = open_artifact(cached(tmp_path, NEW))
    with pytest.raises(NoBaseline) as refused:
        Baseline(None, tmp_path, tmp_path / "runs").of(candidate, LANE)
    told = "of 5 runs 3 without performance, 1 not green, 1 did not finish; name the artifact"
    assert told in str(refused.value)
    assert "tiny_smolvlm fp32 kv on host, device host-5ca1ab1e" in str(refused.value)


def test_where_machines_differ_every_night_any_green_run_of_the_lane_will_do(
    tmp_path: Path,
) -> None:
    """Hosted machines have no speed of their own to be judged."""
    anywhere = replace(LANE, device=None)
    write_run(tmp_path, 0, [a_verdict(artifact_key=OLD, metric="exact_match", device="another")])
    write_run(tmp_path, 1, [a_verdict(artifact_key=NEW, mode="hybrid")])
    search = find_latest_green(tmp_path, anywhere)
    assert search.found == GreenArtifact(OLD, night_id(0), "abc")
    assert search.refused == {"of another mode": 1}
    candidate = open_artifact(cached(tmp_path / "cache", NEW))
    old = cached(tmp_path / "cache", OLD)
    found = Baseline(None, tmp_path / "cache", tmp_path, anywhere=True).of(candidate, LANE)
    assert found.artifact.directory == old


def test_an_earlier_row_of_a_run_of_two_sessions_may_be_of_the_lane(tmp_path: Path) -> None:
    rows = [a_verdict(artifact_key=OLD), a_verdict(artifact_key=NEW, mode="hybrid")]
    write_run(tmp_path, 0, rows)
    found = find_latest_green(tmp_path, LANE).found
    assert found is not None
    assert found.key == OLD


def test_the_green_runs_artifact_is_opened(tmp_path: Path) -> None:
    old, candidate = cached(tmp_path, OLD), open_artifact(cached(tmp_path, NEW))
    write_run(tmp_path / "runs", 0, [a_verdict(artifact_key=OLD)])
    found = Baseline(None, tmp_path, tmp_path / "runs").of(candidate, LANE)
    assert found.artifact.directory == old
    assert found.green is not None
    assert found.green.run_id == night_id(0)


def test_a_green_artifact_that_is_gone_is_told(tmp_path: Path) -> None:
    candidate = open_artifact(cached(tmp_path, NEW))
    write_run(tmp_path / "runs", 0, [a_verdict(artifact_key=OLD)])
    with pytest.raises(UserError, match=rf"Run {night_id(0)} was green with artifact 0ddba1100000"):
        Baseline(None, tmp_path, tmp_path / "runs").of(candidate, LANE)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "tiny_internvl3"}, "The baseline's model is tiny_internvl3"),
        (
            {"target": "emulator", "soc": "SM8650", "backend": "qnn"},
            "baseline's target is emulator",
        ),
        (
            {"mode": "lookahead"},
            "lookahead artifact, which cannot run in kv mode; add --mode looka",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    baseline = open_artifact(hollow_artifact(tmp_path / "baseline", **changes)).manifest
    candidate = open_artifact(hollow_artifact(tmp_path / "candidate")).manifest
    with pytest.raises(UserError, match=sentence):
        check_comparable(baseline, candidate, "kv")

"""Of what was measured again from cold the last verdict counts."""

from __future__ import annotations

from pathlib import Path

from harness.measure.verdict import Status
from harness.results.history import load_history
from harness.results.series import final_frame, final_rows
from suites.harness.results.made_up import a_verdict, write_run


def test_a_verdict_from_cold_replaces_the_first_one() -> None:
    first, again = a_verdict(Status.FAIL), a_verdict(Status.INCONCLUSIVE, cold_session=1)
    assert final_rows([first, again]) == (again,)
    assert final_rows([again, first]) == (again,)


def test_what_differs_in_anything_replaces_nothing() -> None:
    first = a_verdict(Status.FAIL)
    changes = ({"metric": "load_ms"}, {"device": "another"}, {"test_id": "another"})
    changes = (*changes, {"component": "text_decoder"}, {"artifact_key": "f00d"})
    others = tuple(a_verdict(Status.PASS, cold_session=1, **change) for change in changes)
    assert final_rows([first, *others]) == (first, *others)


def test_a_history_is_settled_run_by_run(tmp_path: Path) -> None:
    red, again = a_verdict(Status.FAIL), a_verdict(Status.INCONCLUSIVE, cold_session=1)
    write_run(tmp_path, 0, [red, again, a_verdict(Status.PASS, metric="load_ms")])
    write_run(tmp_path, 1, [red])
    frame = final_frame(load_history(tmp_path).verdicts).sort_values(["run_id", "metric"])
    assert frame["status"].tolist() == ["inconclusive", "pass", "fail"]

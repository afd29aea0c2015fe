"""Failures of one cause are one group, and show what they failed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.verdict import Status
from harness.results.run import Run
from reports.failure_groups import failure_groups
from suites.harness.reports.kinds_of_pages import a_failure, wrong_answers
from suites.harness.reports.nights import a_verdict, write_night
from suites.harness.reports.rendered import page_of
from suites.harness.reports.small_run import answer_row


def test_the_most_frequent_cause_comes_first_with_all_its_tests(tmp_path: Path) -> None:
    groups = failure_groups(Run.read(wrong_answers(tmp_path)))
    assert [len(group.failures) for group in groups] == [30, 1, 1, 1]
    assert groups[0].cause == "pid 0 hangs"
    assert groups[-1].cause == "E   AssertionError: left behind"


@pytest.mark.parametrize(
    ("one", "other", "is_one_cause"),
    [
        ("timed out after 12.5 s", "timed out after 900 s", True),
        ("no such file /a/b.pte", "no such file /c/d.pte", True),
        ("artifact 0123456789ab is gone", "artifact fedcba987654 is gone", True),
        ("at 0x7f3a: abort", "at 0x11: abort", True),
        ("exit code -6", "exit code -11", False),
        ("error 0x7d2 of QNN", "error 0x1b of QNN", False),
        ("signal 9", "signal 15", False),
        ("the phone is warm", "the phone is gone", False),
    ],
)
def test_accidents_of_a_telling_are_no_cause(
    tmp_path: Path, one: str, other: str, is_one_cause: bool
) -> None:
    rows = [a_failure("a.py::a", one), a_failure("a.py::b", other)]
    groups = failure_groups(Run.read(write_night(tmp_path, 0, rows)))
    assert len(groups) == (1 if is_one_cause else 2)


def test_gates_of_one_metric_fail_of_one_cause(tmp_path: Path) -> None:
    rows = [
        row
        for test, metric in (("a", "decode_tps"), ("b", "decode_tps"), ("c", "load_ms"))
        for row in (
            a_verdict(1.0, Status.FAIL, test_id=test, metric=metric, mode="kv"),
            a_failure(test, f"{metric} of {test} is too low", Status.FAIL),
        )
    ]
    groups = failure_groups(Run.read(write_night(tmp_path, 0, rows)))
    assert [[one.row.test_id for one in group.failures] for group in groups] == [["a", "b"], ["c"]]


def test_a_failed_accuracy_shows_the_wrong_answers_of_its_artifact(tmp_path: Path) -> None:
    """Whichever test had asked; right answers, and a failed speed, have nothing to show."""
    image = "0123456789abcdef.jpg"
    rows = [
        answer_row(image=image),
        answer_row(sample_id="s2", image=image, given="blue", correct=False),
        a_verdict(0.5, Status.FAIL, test_id="a", metric="exact_match"),
        a_failure("a", "exact_match is 0.5", Status.FAIL),
        a_verdict(0.5, Status.FAIL, test_id="b", metric="decode_tps"),
        a_failure("b", "decode_tps is 0.5", Status.FAIL),
    ]
    found = failure_groups(Run.read(write_night(tmp_path, 0, rows)))
    shown = [[one.given for one in group.failures[0].wrong] for group in found]
    assert shown == [["blue"], []]


def test_without_its_image_the_right_answer_is_what_is_shown(tmp_path: Path) -> None:
    asked = {"variant": "blank", "mode": "kv"}
    rows = [
        answer_row(**asked, given="red", correct=True).model_copy(update={"test_id": "a"}),
        answer_row(**asked, given="no", correct=False).model_copy(update={"test_id": "a"}),
        a_verdict(1.0, Status.FAIL, test_id="a", metric="blank_image_exact_match"),
        a_failure("a", "blank_image_exact_match is 1", Status.FAIL),
    ]
    [group] = failure_groups(Run.read(write_night(tmp_path, 0, rows)))
    assert [one.given for one in group.failures[0].wrong] == ["red"]


def test_the_page_tells_causes_pictures_and_missing_words(tmp_path: Path) -> None:
    page = page_of(wrong_answers(tmp_path))
    assert "30 tests of one cause" in page.text
    assert "29 more of the same cause" in page.text
    assert "has to name blue triangle, red cross, digit two" in page.text
    assert "lacks red cross" in page.text
    assert page.values("data-picture")[0] in page.data["pictures"]

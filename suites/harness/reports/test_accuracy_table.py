"""Accuracy beside the float model, with what chance of the images may hide."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.results.rows.schema import AnswerRow
from reports.accuracy_table import AccuracyLine, accuracy_tables
from suites.harness.reports.small_run import answer_row


def answers(given: Sequence[str], reference: str | None = "red") -> list[AnswerRow]:
    """One question about one image each; ``red`` is right."""
    return [
        answer_row(sample_id=f"scene-{n}", image=f"{n:016x}.jpg", given=one, reference=reference)
        for n, one in enumerate(given)
    ]


def line_of(rows: Sequence[AnswerRow]) -> AccuracyLine:
    [table] = accuracy_tables(rows)
    [line] = table.lines
    return line


def test_a_model_that_answers_as_the_float_model_does_loses_nothing_here() -> None:
    """On 20 other scenes it may."""
    delta = line_of(answers(["red"] * 20)).delta
    assert delta is not None
    assert (delta.mean, delta.images) == (0.0, 20)
    assert delta.lower < -0.1


def test_what_was_lost_is_bounded() -> None:
    """Of 100 answers 10 became wrong: by 2.17 standard errors of 0.03 it may be 6 more."""
    delta = line_of(answers(["red"] * 90 + ["blue"] * 10)).delta
    assert delta is not None
    assert delta.mean == pytest.approx(-0.1)
    assert delta.lower == pytest.approx(-0.165, abs=0.02)


def test_a_question_that_the_float_model_misses_can_be_won() -> None:
    delta = line_of(answers(["red"] * 20, reference="blue")).delta
    assert delta is not None
    assert delta.mean == 1.0


def test_without_the_float_model_nothing_is_said() -> None:
    assert line_of(answers(["red"] * 20, reference=None)).delta is None


def test_a_blank_image_is_not_held_against_the_float_model() -> None:
    rows = [row.model_copy(update={"variant": "blank"}) for row in answers(["blue"] * 20)]
    assert line_of(rows).delta is None


def test_sets_of_questions_are_not_added_up() -> None:
    golden = {"question_kind": "golden", "expected": "red circle, digit two"}
    asked = [
        answer_row(sample_id=f"g{n}", reference=None, given=given, correct=not n, **golden)
        for n, given in enumerate(["Digit two, and a red circle.", "A red circle."])
    ]
    another = [row.model_copy(update={"test_id": "another"}) for row in asked]
    [table] = accuracy_tables([*answers(["red"] * 24), *another])
    shares = [(line.overall.hits, line.overall.total) for line in table.lines]
    assert shares == [(24, 24), (1, 2)]


def test_a_set_that_several_processes_asked_counts_once() -> None:
    rows = answers(["red", "blue"])
    again = [row.model_copy(update={"test_id": "another"}) for row in rows]
    [table] = accuracy_tables([*rows, *rows, *again])
    assert [line.overall.total for line in table.lines] == [2]


def test_the_kind_that_goes_wrong_most_comes_first() -> None:
    rows = [
        answer_row(sample_id="a", question_kind="colour"),
        answer_row(sample_id="b", question_kind="shape", given="blue", correct=False),
    ]
    assert [kind for kind, _ in line_of(rows).by_kind] == ["shape", "colour"]

"""More scenes are asked about while a verdict is open, and never twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from harness.judging.answer_book import AnswerBook
from harness.judging.interview import Answer, Answers
from harness.judging.judge import SceneFindings
from harness.judging.questions import PictureQuestion, Scenes
from harness.measure.estimate import Estimate
from harness.measure.share import Scored, share
from harness.measure.verdict import Status
from suites.harness.judging.benches import CONTEXT, GATE, GivenDevice, Recorded, a_measured

MATCH = GATE.model_copy(update={"metric": "exact_match", "min": 0.97, "max": None})
LOOKS = (24, 160, 500)


def right(wrong: int, count: int) -> Estimate:
    return share([Scored(str(n), float(n >= wrong)) for n in range(count)], "answer")


@pytest.mark.parametrize(
    ("wrong_by_look", "asked", "status"),
    [
        ((0, 0, 0), [24, 160], Status.PASS),
        ((0, 3, 5), [24, 160, 500], Status.PASS),
        ((9, 0, 0), [24], Status.FAIL),
        ((1, 4, 14), [24, 160, 500], Status.INCONCLUSIVE),
    ],
)
def test_scenes_are_added_while_a_verdict_is_open(
    wrong_by_look: Sequence[int], asked: list[int], status: Status, tmp_path: Path
) -> None:
    """One verdict and one sample are written down: of the last look."""
    recorded, measured = Recorded(GivenDevice([]), gates=[MATCH]), a_measured(tmp_path / "artifact")
    seen: list[int] = []

    def find(scenes: int) -> SceneFindings:
        seen.append(scenes)
        return SceneFindings(measured, {"exact_match": right(wrong_by_look[len(seen) - 1], scenes)})

    assert recorded.judge.conclude_while_open(LOOKS, find).status is status
    assert seen == asked
    [sample], [row] = recorded.of_kind("sample"), recorded.of_kind("verdict")
    assert (row.status, row.count_of) == (status, asked[-1])
    assert sample.value == row.median


def test_one_open_verdict_asks_again_for_all(tmp_path: Path) -> None:
    recorded, measured = Recorded(GivenDevice([]), gates=[MATCH]), a_measured(tmp_path / "artifact")
    seen: list[int] = []

    def find(scenes: int) -> SceneFindings:
        seen.append(scenes)
        return SceneFindings(measured, {"exact_match": right(0, scenes), "pte_bytes": 5.0})

    recorded.judge.conclude_while_open(LOOKS, find)
    assert seen == [24, 160]
    assert len(recorded.of_kind("verdict")) == 2


def question(name: str) -> PictureQuestion:
    return PictureQuestion(name, "what", "What?", "", Path("none.png"))


def test_what_was_asked_already_is_not_asked_again() -> None:
    """Whoever wants fewer gets the first ones, whatever others asked before."""
    questions = [question(str(n)) for n in range(5)]
    book, put = AnswerBook[str](), list[list[str]]()

    def ask(lacking: Sequence[PictureQuestion]) -> Answers:
        put.append([one.id for one in lacking])
        items = tuple(Answer(one, (1,), "", correct=True) for one in lacking)
        return Answers(cast(Any, None), CONTEXT, items)

    for count in (2, 5, 5, 3):
        answers = book.get("kv", questions[:count], ask)
        assert [answer.question.id for answer in answers.items] == list("01234"[:count])
    assert put == [["0", "1"], ["2", "3", "4"]]


def test_more_scenes_begin_with_the_same_questions_and_pictures(tmp_path: Path) -> None:
    few, many = Scenes(3, tmp_path / "few"), Scenes(8, tmp_path / "many")
    for folder in ("few", "many"):
        (tmp_path / folder).mkdir()
    for variant in ("real", "blank", "swapped"):
        shown = [
            [(one.id, one.cluster, Image.open(one.image).tobytes()) for one in asked]
            for asked in (few.questions(variant, 5), many.questions(variant))  # type: ignore[arg-type]
        ]
        assert shown[0] == shown[1][:5]


def test_another_scenes_picture_is_never_the_scenes_own(tmp_path: Path) -> None:
    scenes = Scenes(12, tmp_path)
    own, other = scenes.questions(), scenes.questions("swapped")
    assert all(one.image != two.image for one, two in zip(own, other, strict=True))
    assert [one.cluster for one in own] == [two.cluster for two in other]
    assert len({one.cluster for one in scenes.questions("blank")}) == 12

"""Answers beside the float model's: which are worse, and how long they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from harness.judging.interview import Answer, Answers
from harness.judging.judge import Conclusion
from harness.judging.questions import PictureQuestion
from harness.judging.reference import Reference
from harness.measure.accuracy_delta import ScoredPair, drop
from harness.measure.gate import Context, find_gate
from harness.measure.verdict import Status
from harness.results.thresholds import load_gates
from suites.harness.judging.benches import CONTEXT, GATE, GivenDevice, Recorded, a_measured

SHIPPED = Path(__file__).parents[3] / "thresholds"
DROP = GATE.model_copy(update={"metric": "exact_match_drop", "min": None, "max": 0.02})


def answer(name: str, given: str, image: str, length: int) -> Answer:
    asked = PictureQuestion(name, "what", "What?", "red", Path(image))
    return Answer(asked, tuple(range(length)), given, correct=given == "red")


ANSWERS = Answers(
    cast(Any, None),
    CONTEXT,
    (
        answer("a", "red", "1.png", 3),
        answer("b", "blue", "1.png", 3),
        answer("c", "red", "2.png", 3),
    ),
)
TEXTS = {"a": "red", "b": "red", "c": "green"}


class TextsOnly(Reference):
    """A float model's answers without the model."""

    @property
    def texts(self) -> dict[str, str]:  # type: ignore[override]
        return TEXTS


REFERENCE = TextsOnly(cast(Any, None), {name: tuple(range(4)) for name in TEXTS})


def test_both_are_scored_by_the_expected_words_and_kept_by_image() -> None:
    assert REFERENCE.drop(ANSWERS) == drop(
        [
            ScoredPair("1.png", reference=1.0, measured=1.0),
            ScoredPair("1.png", reference=1.0, measured=0.0),
            ScoredPair("2.png", reference=0.0, measured=1.0),
        ]
    )


def test_lengths_are_counted_in_tokens_of_the_same_questions() -> None:
    assert REFERENCE.length_ratio(ANSWERS).value == 0.75


@pytest.mark.parametrize("model", ["tiny_smolvlm", "tiny_internvl3"])
@pytest.mark.parametrize("target", ["host", "emulator"])
def test_the_shipped_gates_want_answers_as_long_as_the_reference(model: str, target: Any) -> None:
    gate = find_gate(load_gates(SHIPPED), "length_ratio", Context(model, target))
    assert gate is not None
    assert (gate.min, gate.max) == (0.9, 1.1)


def judged(wrong: int, tmp_path: Path, recorded: Recorded) -> Conclusion:
    pairs = [ScoredPair(str(image), 1.0, float(image >= wrong)) for image in range(100)]
    return recorded.judge.conclude(a_measured(tmp_path / "artifact"), exact_match_drop=drop(pairs))


def test_a_drop_is_written_down_with_its_bounds(tmp_path: Path) -> None:
    recorded = Recorded(GivenDevice([]), gates=[DROP.model_copy(update={"max": 0.1})])
    assert judged(2, tmp_path, recorded).status is Status.PASS
    [sample], [row] = recorded.of_kind("sample"), recorded.of_kind("verdict")
    assert (sample.metric, sample.value) == ("exact_match_drop", 0.02)
    assert row.status is Status.PASS
    assert row.lower < row.median < row.upper <= 0.1
    assert (row.interval, row.count, row.count_of, row.counted) == ("difference", 2, 100, "answer")


def test_a_drop_near_its_gate_ends_open_and_is_not_measured_again(tmp_path: Path) -> None:
    ended = judged(2, tmp_path, Recorded(GivenDevice([]), gates=[DROP]))
    assert ended.status is Status.INCONCLUSIVE
    assert "inconclusive, ask about more scenes" in ended.sentence

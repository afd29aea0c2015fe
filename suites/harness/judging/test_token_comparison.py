"""Which differences between two runs are forgiven: only ties, and only between the tied tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from harness.artifacts.artifact import open_artifact
from harness.judging.interview import Answer, Answers
from harness.judging.questions import PictureQuestion
from harness.judging.reference import Reference
from harness.judging.token_comparison import (
    TIED_CODES,
    TIED_MARGIN,
    between_modes,
    compare,
    with_float_model,
)
from harness.measure.accuracy import TOP2_GAP_TOLERANCE
from harness.measure.gate import Context
from harness.measure.margin import Margin
from suites.harness.fixtures.conftest import hollow_artifact

GREEDY = (5, 7, 9, 2)
AT, OTHER, THIRD = 1, 8, 6
"""Where runs part, the runner-up of the token there, and a token that nobody considered."""


def question(name: str) -> PictureQuestion:
    return PictureQuestion(name, "what", "What?", "", Path("none.png"))


def said(ids: tuple[int, ...], name: str = "q", gap: float | None = None) -> Answer:
    """An answer whose every token won by the same gap over ``OTHER``."""
    margins = None if gap is None else tuple(Margin(gap, chosen, OTHER) for chosen in ids)
    return Answer(question(name), ids, "", correct=True, margins=margins)


def parted(token: int) -> tuple[int, ...]:
    """An answer that leaves ``GREEDY`` and never comes back."""
    return (*GREEDY[:AT], token, 30, 31)


@pytest.fixture(params=["16a8w", "fp16"])
def precision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Runs:
    """Makes sets of answers that an artifact of one precision gave."""

    folder: Path
    precision: str

    def of(self, *items: Answer) -> Answers:
        directory = self.folder / "artifact"
        artifact = open_artifact(directory if directory.exists() else hollow_artifact(directory))
        manifest = artifact.manifest
        parts = tuple(
            part.model_copy(update={"precision": self.precision}) for part in manifest.components
        )
        changed = manifest.model_copy(update={"components": parts})
        artifact = type(artifact)(artifact.directory, changed)
        return Answers(artifact, Context("tiny_smolvlm", "emulator", "SM8650", "kv", ""), items)


@dataclass
class UndecidedFloatModel:
    """A float model that considers ``OTHER`` at any position; keeps what it was shown."""

    gap: float
    shown: list[tuple[int, ...]] = field(default_factory=list)

    def margin(self, question: PictureQuestion, answered_ids: tuple[int, ...]) -> Margin:
        self.shown.append(answered_ids)
        return Margin(self.gap, GREEDY[len(answered_ids)], OTHER)


def reference(model: UndecidedFloatModel) -> Reference:
    return Reference(cast(Any, model), {"q": GREEDY})


@pytest.mark.parametrize(
    ("codes", "token", "is_tie"),
    [
        (0, OTHER, True),
        (TIED_CODES, OTHER, True),
        (TIED_CODES + 1, OTHER, False),
        (0, THIRD, False),
    ],
)
def test_close_codes_forgive_the_runner_up_alone(
    tmp_path: Path, codes: int, token: int, is_tie: bool
) -> None:
    runs = Runs(tmp_path, "16a8w")
    kv = runs.of(said(GREEDY, gap=codes))
    found = compare(runs.of(said(parted(token))), kv.ids_by_question, between_modes(kv, None))
    assert found.agreement.value == (1.0 if is_tie else 0.25)
    assert found.tie_share.value == (0.5 if is_tie else 0.0)
    (finding,) = found.findings
    assert finding.startswith(f"q at token {AT}: {token} instead of {GREEDY[AT]} ({codes} codes")
    assert finding.endswith(", a tie") is is_tie


def test_gaps_that_are_no_codes_forgive_nothing(tmp_path: Path) -> None:
    """Two units of a float logit are a clear decision."""
    runs = Runs(tmp_path, "fp16")
    kv = runs.of(said(GREEDY, gap=0.0))
    found = compare(runs.of(said(parted(OTHER))), kv.ids_by_question, between_modes(kv, None))
    assert found.agreement.value == 0.25
    assert "margin unknown" in found.findings[0]


@pytest.mark.parametrize(
    ("gap", "token", "is_tie"),
    [
        (TIED_MARGIN / 2, OTHER, True),
        (TIED_MARGIN, OTHER, False),
        (TIED_MARGIN / 2, THIRD, False),
    ],
)
def test_an_undecided_float_model_forgives_its_two_tokens(
    tmp_path: Path, precision: str, gap: float, token: int, is_tie: bool
) -> None:
    """It is asked behind what the other mode had said until then."""
    runs = Runs(tmp_path, precision)
    kv = runs.of(said(GREEDY, gap=1000))
    model = UndecidedFloatModel(gap)
    why = between_modes(kv, reference(model))
    found = compare(runs.of(said(parted(token))), kv.ids_by_question, why)
    assert found.agreement.value == (1.0 if is_tie else 0.25)
    assert model.shown == [GREEDY[:AT]]


@pytest.mark.parametrize(
    ("gap", "token", "is_tie"),
    [
        (TOP2_GAP_TOLERANCE, OTHER, True),
        (TOP2_GAP_TOLERANCE * 2, OTHER, False),
        (0.0, THIRD, False),
    ],
)
def test_ties_with_the_float_model_are_between_its_two_tokens(
    tmp_path: Path, precision: str, gap: float, token: int, is_tie: bool
) -> None:
    answers = Runs(tmp_path, precision).of(said(parted(token)))
    why = with_float_model(reference(UndecidedFloatModel(gap)))
    assert compare(answers, {"q": GREEDY}, why).agreement.value == (1.0 if is_tie else 0.25)


@pytest.mark.parametrize("given", [GREEDY[:2], (*GREEDY, OTHER)])
def test_an_answer_that_ends_elsewhere_is_never_a_tie(
    tmp_path: Path, precision: str, given: tuple[int, ...]
) -> None:
    """A run that stops early, or does not stop, is broken however close its tokens were."""
    runs = Runs(tmp_path, precision)
    kv = runs.of(said(GREEDY, gap=0))
    why = between_modes(kv, reference(UndecidedFloatModel(0.0)))
    found = compare(runs.of(said(given)), kv.ids_by_question, why)
    assert found.agreement.value < 1.0
    assert found.tie_share.value == 0.0
    assert "one answer is over" in found.findings[0]


def test_ties_are_counted_among_the_tokens_that_were_compared(tmp_path: Path) -> None:
    """Nothing is compared behind the first difference; errors are told before ties."""
    runs = Runs(tmp_path, "16a8w")
    names = ("equal", "tied", "wrong")
    kv = runs.of(*(said(GREEDY, name, gap=1) for name in names))
    ids = (GREEDY, parted(OTHER), parted(THIRD))
    hybrid = runs.of(*(said(one, name) for one, name in zip(ids, names, strict=True)))
    found = compare(hybrid, kv.ids_by_question, between_modes(kv, None))
    assert found.tie_share.value == 1 / (len(GREEDY) + 2 * (AT + 1))
    assert found.agreement.value == pytest.approx((1 + 1 + 0.25) / 3)
    assert [finding.split()[0] for finding in found.findings] == ["wrong", "tied"]

"""What tells from a few answers that a model is dead: it says nothing, or the same to everything.

One answer tells nothing: a healthy model may answer in one word, or repeat itself once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.degenerate_answer import degeneracy

FEWEST_SILENT = 2
"""Answers without content before nothing is what a model says."""

FEWEST_QUESTIONS = 3
"""Different questions with one and the same answer before a model does not hear them."""

FEWEST_WITH_A_WORD = 6
"""The same of an answer that may be right of several questions: "No." """

A_WORD = 4
"""Tokens that such an answer has at most."""

FEWEST_PICTURES = 3
"""Pictures with one and the same long answer, where the runner tells no logits."""

LONG_ANSWER = 24
"""Tokens of an answer that no two pictures share by chance."""

_SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class Said:
    """One answer.

    Attributes:
        question: What was asked.
        picture: What it was asked about.
        token_ids: Before the stop token.
        text: Of the same tokens.
        gaps: Between the two best logits, a token each, the stop token's included; None where the
            runner does not tell.
    """

    question: str
    picture: str
    token_ids: tuple[int, ...]
    text: str
    gaps: tuple[float, ...] | None = None

    @property
    def degeneracy(self) -> str | None:
        """Why it says nothing, None if it may say something."""
        return degeneracy(self.token_ids, self.text)


def deadness(answers: Sequence[Said]) -> str | None:
    """Why these answers are a dead model's, None if they may be a living one's."""
    return _silent(answers) or _deaf(answers) or _blind(answers)


def _silent(answers: Sequence[Said]) -> str | None:
    nothing = [said.degeneracy for said in answers]
    if len(answers) < FEWEST_SILENT or not all(nothing):
        return None
    return (
        f"none of {len(answers)} answers says anything, the first is {_shown(answers[0])}: "
        f"{nothing[0]}"
    )


def _deaf(answers: Sequence[Said]) -> str | None:
    questions = {said.question for said in answers}
    if not answers or len({said.token_ids for said in answers}) > 1:
        return None
    is_a_word = len(answers[0].token_ids) <= A_WORD
    if len(questions) < (FEWEST_WITH_A_WORD if is_a_word else FEWEST_QUESTIONS):
        return None
    return (
        f"its answer to {len(questions)} different questions is always the same, "
        f"{_shown(answers[0])}"
    )


def _blind(answers: Sequence[Said]) -> str | None:
    by_question = defaultdict(list)
    for said in answers:
        by_question[said.question].append(said)
    asked_again = [told for told in by_question.values() if _pictures(told) > 1]
    if any(len({(said.token_ids, said.gaps) for said in told}) > 1 for told in asked_again):
        return None
    convincing = [told for told in asked_again if _convinces(told)]
    if not convincing:
        return None
    what = "the same to the last bit of its logits"
    if convincing[0][0].gaps is None:
        what = f"word by word the same, {_shown(convincing[0][0])}"
    return (
        f"what it says of {_pictures(convincing[0])} pictures is {what}, so the picture does not "
        "reach it"
    )


def _convinces(alike: Sequence[Said]) -> bool:
    """Whether equal answers to one question cannot come about by chance."""
    first = alike[0]
    is_long = len(first.token_ids) >= LONG_ANSWER and _pictures(alike) >= FEWEST_PICTURES
    return first.gaps is not None or is_long


def _pictures(answers: Sequence[Said]) -> int:
    return len({said.picture for said in answers})


def _shown(said: Said) -> str:
    return repr(said.text[:_SHOWN_CHARACTERS])

"""Answers held against the float model's: question by question, and by their length."""

from __future__ import annotations

from fixtures.reference import Reference
from harness.judging.interview import Answers
from harness.measure import accuracy_delta
from harness.measure.accuracy_delta import ScoredPair


def scored(answers: Answers, reference: Reference) -> list[ScoredPair]:
    """Whether either model answers as expected, by the same rule; one pair per question."""
    return [
        ScoredPair(
            image=str(answer.question.image),
            reference=float(reference.texts[answer.question.id] == answer.question.expected),
            measured=float(answer.given == answer.question.expected),
        )
        for answer in answers.items
    ]


def length_ratio(answers: Answers, reference: Reference) -> float:
    """Mean length over the reference's, in tokens, the stop token of either included."""
    return accuracy_delta.length_ratio(
        [len(answer.token_ids) for answer in answers.items],
        [len(reference.token_ids[answer.question.id]) for answer in answers.items],
    )

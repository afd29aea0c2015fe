"""How far two sets of answers to the same questions agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.interop.answers import GeneratedAnswer
from harness.measure.accuracy import exact_match, first_difference, token_agreement


@dataclass(frozen=True)
class FirstDifference:
    """Where two answers to one question part.

    Attributes:
        request_id: The question.
        position: Index of the first token that differs.
        gap: Codes between the two best logits of the reference there; None beyond its end.
    """

    request_id: str
    position: int
    gap: float | None


@dataclass(frozen=True)
class Agreement:
    """Two sets of answers beside each other.

    Attributes:
        identical: Share of answers with the same tokens.
        tokens: Mean share of equal positions (``token_agreement``).
        differences: The answers that are not the same.
    """

    identical: float
    tokens: float
    differences: tuple[FirstDifference, ...]


def agree(
    answers: Mapping[str, GeneratedAnswer], reference: Mapping[str, GeneratedAnswer]
) -> Agreement:
    """Compare answers, question by question.

    Raises:
        ValueError: If they are not answers to the same questions, or there are none.
    """
    if answers.keys() != reference.keys():
        raise ValueError(f"{sorted(answers)} were asked, and {sorted(reference)} of the reference")
    pairs = [(name, answers[name], reference[name]) for name in sorted(answers)]
    found = [one.token_ids for _, one, _ in pairs]
    wanted = [other.token_ids for _, _, other in pairs]
    return Agreement(
        identical=exact_match(found, wanted),
        tokens=token_agreement(found, wanted),
        differences=tuple(filter(None, (_difference(*pair) for pair in pairs))),
    )


def correct_share(answers: Mapping[str, GeneratedAnswer], expected: Mapping[str, str]) -> float:
    """Share of answers whose text is the right one."""
    names: Sequence[str] = sorted(expected)
    return exact_match([answers[name].text for name in names], [expected[name] for name in names])


def _difference(
    name: str, answer: GeneratedAnswer, reference: GeneratedAnswer
) -> FirstDifference | None:
    position = first_difference(answer.token_ids, reference.token_ids)
    if position is None:
        return None
    gap = reference.gaps[position] if position < len(reference.gaps) else None
    return FirstDifference(name, position, gap)

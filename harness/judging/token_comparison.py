"""Token ids of one run held against those of another, ties aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.judging.interview import Answer, Answers
from harness.judging.reference import Reference
from harness.measure.accuracy import agreement, counts_as_difference, first_difference
from harness.measure.estimate import Estimate
from harness.measure.share import Scored, share, share_of_events
from harness.vocabulary import CALIBRATED

WhyTie = Callable[[Answer, int], tuple[str, bool]]
"""How decided a token was, and whether another one would have been as good.

Called with the answer and the first position at which it leaves the other run's.
"""

TIED_CODES = 2
"""Codes of quantized logits by which two graphs of one model may differ."""

TIED_MARGIN = 1e-4
"""Top-2 margin of the float model's logits below which any quantization may swap the two."""


_OVER = "one answer is over"


@dataclass(frozen=True)
class TokenComparison:
    """Answers of one run against the ids they should have.

    Attributes:
        agreement: Mean over answers of the share of equal positions, an answer with a tie counted
            as equal: behind another token of equal right, everything may differ.
        tie_share: Ties per compared token; none is compared behind a first difference.
        findings: One sentence per answer that differs, errors first.
    """

    agreement: Estimate
    tie_share: Estimate
    findings: tuple[str, ...]


def compare(
    answers: Answers, expected_ids: Mapping[str, tuple[int, ...]], why_tie: WhyTie
) -> TokenComparison:
    """Compare answer by answer.

    Args:
        answers: To be judged.
        expected_ids: Token ids by question id.
        why_tie: Says of a first difference whether it counts. It is not asked where one of the
            answers is over: both chose the same tokens until then, so a fault ended one of them.
    """
    scores: list[Scored] = []
    errors: list[str] = []
    ties: list[str] = []
    compared = 0
    for answer in answers.items:
        expected = expected_ids[answer.question.id]
        position = first_difference(answer.token_ids, expected)
        cluster = answer.question.cluster
        if position is None:
            scores.append(Scored(cluster, 1.0))
            compared += len(expected)
            continue
        compared += position + 1
        is_over = position >= min(len(answer.token_ids), len(expected))
        how_decided, is_tie = (_OVER, False) if is_over else why_tie(answer, position)
        finding = f"{_difference(answer, expected, position)} ({how_decided})"
        scores.append(Scored(cluster, 1.0 if is_tie else agreement(answer.token_ids, expected)))
        (ties if is_tie else errors).append(finding)
    return TokenComparison(
        agreement=share(scores, "answer"),
        tie_share=share_of_events(len(ties), compared, "token"),
        findings=(*errors, *(f"{finding}, a tie" for finding in ties)),
    )


def plain_agreement(answers: Answers, expected_ids: Mapping[str, tuple[int, ...]]) -> Estimate:
    """Mean over answers of the share of equal positions, ties no better than other differences."""
    return share(
        [
            Scored(one.question.cluster, agreement(one.token_ids, expected_ids[one.question.id]))
            for one in answers.items
        ],
        "answer",
    )


def with_float_model(reference: Reference) -> WhyTie:
    """Ties with the float model: where it was undecided itself, between the same two tokens."""

    def why(answer: Answer, position: int) -> tuple[str, bool]:
        expected = reference.token_ids[answer.question.id][position]
        margin = reference.margin(answer.question, position)
        is_tie = not counts_as_difference(margin.gap) and margin.is_between(
            answer.token_ids[position], expected
        )
        return f"gap {margin.gap:.2g}", is_tie

    return why


def between_modes(others: Answers, reference: Reference | None) -> WhyTie:
    """Ties between two modes of one model.

    The other mode had the same tokens before the first difference, so it tells how close the
    choice was and which token came second: by the codes of quantized logits, else by the float
    model. A third token is an error, however close the first two were.

    Args:
        others: Answers of the other mode.
        reference: The float model, where the session has it.
    """
    by_question = {answer.question.id: answer for answer in others.items}
    has_codes = others.artifact.manifest.component("text_decoder").precision in CALIBRATED

    def why(answer: Answer, position: int) -> tuple[str, bool]:
        other = by_question[answer.question.id]
        two = answer.token_ids[position], other.token_ids[position]
        told = []
        if has_codes and other.margins is not None:
            codes = other.margins[position]
            told.append(f"{codes.gap:g} codes apart")
            if codes.gap <= TIED_CODES and codes.is_between(*two):
                return told[0], True
        if reference is None:
            return ", ".join(told) or "margin unknown", False
        margin = reference.float_model.margin(answer.question, other.token_ids[:position])
        told.append(f"float margin {margin.gap:.2g}")
        return ", ".join(told), margin.gap < TIED_MARGIN and margin.is_between(*two)

    return why


def _difference(answer: Answer, expected: tuple[int, ...], position: int) -> str:
    """Where an answer leaves the reference; an answer that is over has no token there."""
    ids = [
        str(ids[position]) if position < len(ids) else "none"
        for ids in (answer.token_ids, expected)
    ]
    return f"{answer.question.id} at token {position}: {ids[0]} instead of {ids[1]}"

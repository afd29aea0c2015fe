"""The models answer what their pictures show, as the float model does."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.interview import Answer
from fixtures.judge import Judge
from fixtures.reference import References
from harness.export.recipe import Recipe
from harness.measure.accuracy import (
    counts_as_difference,
    exact_match,
    first_difference,
    token_agreement,
)
from harness.vlm.mode import Mode
from harness.vlm.spec import VlmSpec


def test_answers_are_right(
    model: VlmSpec, mode: Mode, own_recipe: Recipe, ask: Ask, judge: Judge
) -> None:
    """Whole answers equal the expected ones."""
    answers = ask(model, own_recipe, mode)
    share = exact_match(answers.given, answers.expected)
    judge.conclude(
        answers.artifact, judge.exact("exact_match", share, answers.context, answers.artifact)
    )


def test_tokens_agree_with_transformers(
    model: VlmSpec,
    mode: Mode,
    own_recipe: Recipe,
    ask: Ask,
    references: References,
    judge: Judge,
) -> None:
    """Greedy token ids equal those of the float model on identical pixels and ids.

    A difference where the float model itself was undecided (top-2 logit gap up to 1e-3) is
    replaced by the float model's ids before judging, and listed as a tie.
    """
    answers = ask(model, own_recipe, mode)
    reference = references.require(model, answers.artifact.manifest)
    judged, counted, ties = [], [], []
    for answer in answers.items:
        expected = reference.token_ids[answer.question.id]
        position = first_difference(answer.token_ids, expected)
        if position is None:
            judged.append(expected)
            continue
        gap = reference.top2_gap(answer.question, position)
        finding = _difference(answer, expected, position, gap)
        if counts_as_difference(gap):
            judged.append(answer.token_ids)
            counted.append(finding)
        else:
            judged.append(expected)
            ties.append(f"{finding}, a tie")
    for finding in counted + ties:
        judge.note(finding)
    share = token_agreement(
        judged, [reference.token_ids[answer.question.id] for answer in answers.items]
    )
    judge.conclude(
        answers.artifact, judge.exact("token_agreement", share, answers.context, answers.artifact)
    )


@pytest.mark.usefixtures("both_modes")
def test_kv_and_hybrid_agree(model: VlmSpec, own_recipe: Recipe, ask: Ask, judge: Judge) -> None:
    """Chunked prefill changes no answer: the cache is handed over whole."""
    kv, hybrid = ask(model, own_recipe, "kv"), ask(model, own_recipe, "hybrid")
    share = token_agreement(hybrid.token_ids, kv.token_ids)
    judge.conclude(
        hybrid.artifact,
        judge.exact("kv_hybrid_agreement", share, hybrid.context, hybrid.artifact),
    )


def test_quantization_keeps_answers(
    model: VlmSpec,
    any_mode: Mode,
    quantized_recipe: Recipe,
    float_recipe: Recipe,
    ask: Ask,
    judge: Judge,
) -> None:
    """A quantized model is at most a little less right than the fp32 one."""
    float_answers = ask(model, float_recipe, any_mode)
    answers = ask(model, quantized_recipe, any_mode)
    drop = exact_match(float_answers.given, float_answers.expected) - exact_match(
        answers.given, answers.expected
    )
    judge.conclude(
        answers.artifact,
        judge.exact("exact_match_drop", drop, answers.context, answers.artifact),
    )


def _difference(answer: Answer, expected: tuple[int, ...], position: int, gap: float) -> str:
    """Where an answer leaves the reference; an answer that is over has no token there."""
    ids = [
        str(ids[position]) if position < len(ids) else "none"
        for ids in (answer.token_ids, expected)
    ]
    return f"{answer.question.id} at token {position}: {ids[0]} instead of {ids[1]} (gap {gap:.2g})"

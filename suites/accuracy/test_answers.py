"""The models answer what their pictures show, as the float model does."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import Judge
from fixtures.reference import GetReference
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
    get_reference: GetReference,
    judge: Judge,
) -> None:
    """Greedy token ids equal those of the float model on identical pixels and ids.

    A difference where the float model itself was undecided (top-2 logit gap up to 1e-3) is
    replaced by the float model's ids before judging.
    """
    answers, reference = ask(model, own_recipe, mode), get_reference(model)
    judged = []
    for answer in answers.items:
        expected = reference.token_ids[answer.question.id]
        position = first_difference(answer.token_ids, expected)
        undecided = position is not None and not counts_as_difference(
            reference.top2_gap(answer.question, position)
        )
        judged.append(expected if undecided else answer.token_ids)
    share = token_agreement(
        judged, [reference.token_ids[answer.question.id] for answer in answers.items]
    )
    judge.conclude(
        answers.artifact, judge.exact("token_agreement", share, answers.context, answers.artifact)
    )


@pytest.mark.usefixtures("both_modes")
def test_kv_and_hybrid_agree(model: VlmSpec, recipe: Recipe, ask: Ask, judge: Judge) -> None:
    """Chunked prefill changes no answer: the cache is handed over whole."""
    kv, hybrid = ask(model, recipe, "kv"), ask(model, recipe, "hybrid")
    share = token_agreement(hybrid.token_ids, kv.token_ids)
    judge.conclude(
        hybrid.artifact,
        judge.exact("kv_hybrid_agreement", share, hybrid.context, hybrid.artifact),
    )


def test_quantization_keeps_answers(
    model: VlmSpec, mode: Mode, quantized_recipe: Recipe, ask: Ask, judge: Judge
) -> None:
    """A quantized model is at most a little less right than the fp32 one."""
    float_answers, answers = ask(model, Recipe(), mode), ask(model, quantized_recipe, mode)
    drop = exact_match(float_answers.given, float_answers.expected) - exact_match(
        answers.given, answers.expected
    )
    judge.conclude(
        answers.artifact,
        judge.exact("exact_match_drop", drop, answers.context, answers.artifact),
    )

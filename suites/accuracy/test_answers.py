"""The models answer what their pictures show, as the float model does."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import Judge
from fixtures.reference import References
from harness.export.recipe import Recipe
from harness.judging.against_float import length_ratio, scored
from harness.judging.token_comparison import between_modes, compare, with_float_model
from harness.measure.accuracy import exact_match
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


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
    found = compare(answers, reference.token_ids, with_float_model(reference))
    judge.note_all(found.findings)
    judge.conclude(
        answers.artifact,
        judge.exact("token_agreement", found.agreement, answers.context, answers.artifact),
    )


@pytest.mark.usefixtures("both_modes", "shared_encodings")
def test_kv_and_hybrid_agree(
    model: VlmSpec, own_recipe: Recipe, ask: Ask, references: References, judge: Judge
) -> None:
    """Chunked prefill changes no answer: the cache is handed over whole.

    A difference where the choice was too close for two graphs of one model to agree counts as
    undecided; such steps are listed, and may only be few.
    """
    kv, hybrid = ask(model, own_recipe, "kv"), ask(model, own_recipe, "hybrid")
    reference = references.find(model, kv.artifact.manifest)
    found = compare(hybrid, kv.ids_by_question, between_modes(kv, reference))
    judge.note_all(found.findings)
    judge.conclude(
        hybrid.artifact,
        judge.exact("kv_hybrid_agreement", found.agreement, hybrid.context, hybrid.artifact),
        judge.exact("undecided_share", found.tie_share, hybrid.context, hybrid.artifact),
    )


def test_quantization_keeps_answers(
    model: VlmSpec,
    any_mode: Mode,
    quantized_recipe: Recipe,
    ask: Ask,
    references: References,
    judge: Judge,
) -> None:
    """A quantized model is at most a little less right than the float one on the same scenes.

    Its answers are as long, too: short ones would be cheap to get right.
    """
    answers = ask(model, quantized_recipe, any_mode)
    reference = references.require(model, answers.artifact.manifest)
    pairs, ratio = scored(answers, reference), length_ratio(answers, reference)
    context, artifact = answers.context, answers.artifact
    judge.conclude(
        artifact,
        judge.drop("exact_match_drop", pairs, context, artifact),
        judge.exact("length_ratio", ratio, context, artifact),
    )

"""The models answer what their pictures show, as the float model does."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.judging.reference import References
from harness.judging.token_comparison import between_modes, compare, with_float_model
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


def test_answers_are_right(
    model: VlmSpec, mode: Mode, own_recipe: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """Whole answers equal the expected ones."""
    answers = ask(model, own_recipe, mode)
    judge.conclude(answers, exact_match=answers.share_right)


def test_tokens_agree_with_transformers(
    model: VlmSpec,
    mode: Mode,
    own_recipe: Recipe,
    ask: Ask,
    references: References,
    judge: SuiteJudge,
) -> None:
    """Greedy token ids equal those of the float model on identical pixels and ids.

    A difference where the float model itself was undecided (top-2 logit gap up to 1e-3) is
    replaced by the float model's ids before judging, and listed as a tie.
    """
    answers = ask(model, own_recipe, mode)
    reference = references.require(answers.artifact)
    found = compare(answers, reference.token_ids, with_float_model(reference))
    judge.conclude(answers, notes=found.findings, token_agreement=found.agreement)


@pytest.mark.needs("kv and hybrid", "shared KV encodings")
def test_kv_and_hybrid_agree(
    model: VlmSpec, own_recipe: Recipe, ask: Ask, references: References, judge: SuiteJudge
) -> None:
    """Chunked prefill changes no answer: the cache is handed over whole.

    A difference where the choice was too close for two graphs of one model to agree counts as
    undecided; such steps are listed, and may only be few.
    """
    kv, hybrid = ask(model, own_recipe, "kv"), ask(model, own_recipe, "hybrid")
    found = compare(hybrid, kv.ids_by_question, between_modes(kv, references.find(kv.artifact)))
    judge.conclude(
        hybrid,
        notes=found.findings,
        kv_hybrid_agreement=found.agreement,
        undecided_share=found.tie_share,
    )


def test_quantization_keeps_answers(
    model: VlmSpec,
    any_mode: Mode,
    quantized_recipe: Recipe,
    ask: Ask,
    references: References,
    judge: SuiteJudge,
) -> None:
    """A quantized model is at most a little less right than the float one on the same scenes.

    Its answers are as long, too: short ones would be cheap to get right.
    """
    answers = ask(model, quantized_recipe, any_mode)
    reference = references.require(answers.artifact)
    judge.conclude(
        answers,
        exact_match_drop=reference.scored(answers),
        length_ratio=reference.length_ratio(answers),
    )

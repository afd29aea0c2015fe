"""Lookahead decoding answers as greedy decoding does, in fewer passes."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.judging.reference import References
from harness.judging.token_comparison import between_modes, compare
from harness.vlm.spec import VlmSpec

pytestmark = pytest.mark.needs("several files", "lookahead")


def test_lookahead_agrees_with_greedy(
    model: VlmSpec, own_recipe: Recipe, ask: Ask, references: References, judge: SuiteJudge
) -> None:
    """Verifying several tokens in one pass changes none of them.

    A difference where the choice was too close for two graphs of one model to agree counts as
    undecided; such steps are listed, and may only be few.
    """
    kv, lookahead = ask(model, own_recipe, "kv"), ask(model, own_recipe, "lookahead")
    reference = references.find(kv.artifact)
    found = compare(lookahead, kv.ids_by_question, between_modes(kv, reference))
    judge.conclude(
        lookahead,
        notes=found.findings,
        lookahead_agreement=found.agreement,
        undecided_share=found.tie_share,
    )


def test_lookahead_takes_fewer_passes(
    model: VlmSpec, own_recipe: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """A pass yields several tokens of the long answers, as foreseen from what was said before."""
    answers = ask(model, own_recipe, "lookahead")
    judge.conclude(answers, tokens_per_step=answers.tokens_per_step("describe"))

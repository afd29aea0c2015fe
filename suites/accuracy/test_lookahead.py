"""Lookahead decoding answers as greedy decoding does, in fewer passes."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.judging.judge import SceneFindings
from harness.judging.reference import References
from harness.judging.token_comparison import between_modes, compare
from harness.vlm.spec import VlmSpec

pytestmark = pytest.mark.needs("several files", "lookahead")


def test_lookahead_agrees_with_greedy(
    model: VlmSpec,
    own_recipe: Recipe,
    ask: Ask,
    references: References,
    judge: SuiteJudge,
) -> None:
    """Verifying several tokens in one pass changes none of them.

    A difference where the choice was too close for two graphs of one model to agree counts as
    undecided; such steps are listed, and may only be few.
    """

    def find(scenes: int) -> SceneFindings:
        kv = ask(model, own_recipe, "kv", scenes=scenes)
        lookahead = ask(model, own_recipe, "lookahead", scenes=scenes)
        why_tie = between_modes(kv, references.find(kv.artifact, scenes))
        found = compare(lookahead, kv.ids_by_question, why_tie)
        shares = {"lookahead_agreement": found.agreement, "undecided_share": found.tie_share}
        return SceneFindings(lookahead, shares, found.findings)

    judge.conclude_while_open(find, "lookahead")


def test_lookahead_takes_fewer_passes(
    model: VlmSpec, own_recipe: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """A pass yields several tokens of the long answers, as foreseen from what was said before."""

    def find(scenes: int) -> SceneFindings:
        answers = ask(model, own_recipe, "lookahead", scenes=scenes)
        return SceneFindings(answers, {"tokens_per_step": answers.tokens_per_step("describe")})

    judge.conclude_while_open(find, "lookahead")

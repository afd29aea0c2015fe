"""Lookahead decoding answers as greedy decoding does, in fewer passes."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import Judge
from fixtures.reference import References
from harness.export.recipe import Recipe
from harness.judging.token_comparison import between_modes, compare
from harness.vlm.spec import VlmSpec


def test_lookahead_agrees_with_greedy(
    model: VlmSpec,
    own_recipe: Recipe,
    lookahead_scenes: int | None,
    ask: Ask,
    references: References,
    judge: Judge,
) -> None:
    """Verifying several tokens in one pass changes none of them.

    A difference where the choice was too close for two graphs of one model to agree counts as
    undecided; such steps are listed, and may only be few.
    """
    kv = ask(model, own_recipe, "kv")
    lookahead = ask(model, own_recipe, "lookahead", most=lookahead_scenes)
    reference = references.find(model, kv.artifact.manifest)
    found = compare(lookahead, kv.ids_by_question, between_modes(kv, reference))
    judge.note_all(found.findings)
    artifact, context = lookahead.artifact, lookahead.context
    judge.conclude(
        artifact,
        judge.exact("lookahead_agreement", found.agreement, context, artifact),
        judge.exact("undecided_share", found.tie_share, context, artifact),
    )


def test_lookahead_takes_fewer_passes(
    model: VlmSpec, own_recipe: Recipe, lookahead_scenes: int | None, ask: Ask, judge: Judge
) -> None:
    """A pass yields several tokens of the long answers, as foreseen from what was said before."""
    answers = ask(model, own_recipe, "lookahead", most=lookahead_scenes)
    long = [answer for answer in answers.items if answer.question.kind == "describe"]
    steps = [answer.decode_steps for answer in long if answer.decode_steps is not None]
    if len(steps) < len(long):
        pytest.skip("the runner does not tell how many passes it took")
    tokens = sum(len(answer.token_ids) - 1 for answer in long)
    judge.conclude(
        answers.artifact,
        judge.exact("tokens_per_step", tokens / sum(steps), answers.context, answers.artifact),
    )

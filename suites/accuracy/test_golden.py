"""Answers about the golden pictures name what is in them."""

from __future__ import annotations

import statistics

import pytest

from fixtures.artifact import GetArtifact
from fixtures.golden import GoldenSet
from fixtures.judge import Judge
from fixtures.session.plugin import session_plugin
from harness.devices.device import Device
from harness.export.recipe import Recipe
from harness.judging.interview import Interview
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


def test_golden_features_are_named(
    model: VlmSpec,
    mode: Mode,
    recipe: Recipe,
    golden_cases: GoldenSet,
    get_artifact: GetArtifact,
    device: Device,
    judge: Judge,
    request: pytest.FixtureRequest,
) -> None:
    """Every required word is in the answer itself, as a whole word."""
    if model.name not in golden_cases.models:
        pytest.skip(f"fixtures/images/golden.toml has no cases for {model.name}; add it to models")
    plugin, artifact = session_plugin(request.config), get_artifact(model, recipe, mode)
    interview = Interview(plugin, request.node.nodeid, device, model, artifact, mode)
    cases = {case.question(): case for case in golden_cases.case}
    answers = interview.put(
        tuple(cases), lambda question, given: not cases[question].missing(given), {}
    )
    for answer in answers.items:
        if not answer.correct:
            missing = ", ".join(cases[answer.question].missing(answer.given))
            judge.note(f"{answer.question.image.name} without {missing}: {answer.given!r}")
    share = statistics.fmean(answer.correct for answer in answers.items)
    judge.conclude(artifact, judge.exact("golden_hit", share, answers.context, artifact))

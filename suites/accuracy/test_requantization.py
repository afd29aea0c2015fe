"""Where prefill and decode were calibrated apart, converting the KV cache is needed and works."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.judging.judge import SceneFindings
from harness.judging.token_comparison import between_modes, compare, plain_agreement
from harness.runtime.encodings import largest_scale_ratio
from harness.runtime.program_description import ProgramDescription
from harness.vlm.spec import VlmSpec

DECODE_KV_HEADROOM = 1.5
"""Ranges of the decode graph's cache over those calibration saw, so that a code of prefill means
another number there."""

pytestmark = [pytest.mark.htp, pytest.mark.needs("requantized KV encodings")]


@pytest.fixture
def apart(own_recipe: Recipe) -> Recipe:
    """The session's recipe with KV scales of prefill and decode that differ."""
    htp = own_recipe.htp.model_copy(update={"decode_kv_headroom": DECODE_KV_HEADROOM})
    return own_recipe.model_copy(update={"htp": htp})


@pytest.mark.needs("kv and hybrid")
def test_a_converted_cache_answers_as_kv_mode_does(
    model: VlmSpec, apart: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """Kv mode has one graph and nothing to convert, so it tells what hybrid mode should say."""

    def find(scenes: int) -> SceneFindings:
        kv = ask(model, apart, "kv", scenes=scenes)
        hybrid = ask(model, apart, "hybrid", scenes=scenes)
        found = compare(hybrid, kv.ids_by_question, between_modes(kv, None))
        share = plain_agreement(hybrid, kv.ids_by_question)
        return SceneFindings(hybrid, {"requantized_agreement": share}, found.findings)

    judge.conclude_while_open(find)


@pytest.mark.needs("hybrid")
def test_without_conversion_answers_are_lost(
    model: VlmSpec, apart: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """On a file where some layer's scales differ enough for that to show."""

    def find(scenes: int) -> SceneFindings:
        converted = ask(model, apart, "hybrid", scenes=scenes)
        untouched = ask(model, apart, "hybrid", scenes=scenes, requantization=False)
        scales = largest_scale_ratio(
            ProgramDescription.read(converted.artifact.path("text_decoder"))
        )
        gain = converted.gain_over(untouched)
        return SceneFindings(converted, {"requantization_gain": gain, "kv_scale_ratio": scales})

    judge.conclude_while_open(find)

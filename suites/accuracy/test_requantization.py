"""Where prefill and decode were calibrated apart, converting the KV cache is needed and works."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.judging.token_comparison import between_modes, compare
from harness.measure.accuracy import token_agreement
from harness.runtime.encodings import largest_scale_ratio
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
    kv, hybrid = ask(model, apart, "kv"), ask(model, apart, "hybrid")
    found = compare(hybrid, kv.ids_by_question, between_modes(kv, None))
    share = token_agreement(hybrid.token_ids, kv.token_ids)
    judge.conclude(hybrid, notes=found.findings, requantized_agreement=share)


@pytest.mark.needs("hybrid")
def test_without_conversion_answers_are_lost(
    model: VlmSpec, apart: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """On a file where some layer's scales differ enough for that to show."""
    # It imports torch, which collecting tests must not.
    from harness.runtime.program import Program

    converted = ask(model, apart, "hybrid")
    untouched = ask(model, apart, "hybrid", requantization=False)
    judge.conclude(
        converted,
        requantization_gain=converted.share_right - untouched.share_right,
        kv_scale_ratio=largest_scale_ratio(Program(converted.artifact.path("text_decoder"))),
    )

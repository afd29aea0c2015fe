"""The models answer what their pictures show, as the float model does."""

from __future__ import annotations

import pytest

from fixtures.answers import Ask
from fixtures.judge import SuiteJudge
from harness.devices.device import Device
from harness.export.recipe import Recipe
from harness.judging.judge import SceneFindings
from harness.judging.reference import References
from harness.judging.token_comparison import between_modes, compare, with_float_model
from harness.judging.upstreams_way import our_runner_instead, runs_upstreams_way
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


def test_answers_are_right(
    model: VlmSpec, mode: Mode, own_recipe: Recipe, ask: Ask, judge: SuiteJudge, device: Device
) -> None:
    """Whole answers equal the expected ones.

    Files of upstream's exporter are judged on the emulator by what users of upstream's runner get;
    what ours makes of them is said beside it.
    """

    def find(scenes: int) -> SceneFindings:
        answers = ask(model, own_recipe, mode, scenes=scenes)
        notes = []
        if runs_upstreams_way(answers.artifact, device.target):
            ours = ask(model, own_recipe, mode, scenes=scenes, our_way=True)
            notes.append(our_runner_instead(answers, ours))
        return SceneFindings(answers, {"exact_match": answers.share_right}, notes)

    judge.conclude_while_open(find)


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

    def find(scenes: int) -> SceneFindings:
        answers = ask(model, own_recipe, mode, scenes=scenes)
        reference = references.require(answers.artifact, scenes)
        found = compare(answers, reference.token_ids, with_float_model(reference))
        return SceneFindings(answers, {"token_agreement": found.agreement}, found.findings)

    judge.conclude_while_open(find)


@pytest.mark.needs("kv and hybrid", "shared KV encodings")
def test_kv_and_hybrid_agree(
    model: VlmSpec,
    own_recipe: Recipe,
    ask: Ask,
    references: References,
    judge: SuiteJudge,
) -> None:
    """Chunked prefill changes no answer: the cache is handed over whole.

    A difference where the choice was too close for two graphs of one model to agree counts as
    undecided; such steps are listed, and may only be few.
    """

    def find(scenes: int) -> SceneFindings:
        kv = ask(model, own_recipe, "kv", scenes=scenes)
        hybrid = ask(model, own_recipe, "hybrid", scenes=scenes)
        why_tie = between_modes(kv, references.find(kv.artifact, scenes))
        found = compare(hybrid, kv.ids_by_question, why_tie)
        shares = {"kv_hybrid_agreement": found.agreement, "undecided_share": found.tie_share}
        return SceneFindings(hybrid, shares, found.findings)

    judge.conclude_while_open(find)


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

    def find(scenes: int) -> SceneFindings:
        answers = ask(model, quantized_recipe, any_mode, scenes=scenes)
        reference = references.require(answers.artifact, scenes)
        drop, length_ratio = reference.drop(answers), reference.length_ratio(answers)
        return SceneFindings(answers, {"exact_match_drop": drop, "length_ratio": length_ratio})

    judge.conclude_while_open(find)

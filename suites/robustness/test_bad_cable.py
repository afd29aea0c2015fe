"""What a cable does to a phone, virtual or real, costs no answer."""

from __future__ import annotations

from fixtures.artifact import GetArtifact
from fixtures.bad_cable import BadCable
from harness.devices.device import Device
from harness.export.recipe import Recipe
from harness.judging.questions import Scenes
from harness.runtime.request import RunOptions
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


def test_a_connection_that_is_cut_all_the_time_costs_no_answer(
    model: VlmSpec,
    own_recipe: Recipe,
    any_mode: Mode,
    get_artifact: GetArtifact,
    scenes: Scenes,
    device: Device,
    bad_cable: BadCable,
) -> None:
    """The answers of a good cable, token by token."""
    artifact = get_artifact(model, own_recipe, any_mode)
    asked = [question.request() for question in scenes.questions()[:2]]
    options = RunOptions(mode=any_mode)
    undisturbed = device.run(artifact, asked, options)
    with bad_cable():
        disturbed = device.run(artifact, asked, options)
    assert [one.last.token_ids for one in disturbed] == [one.last.token_ids for one in undisturbed]

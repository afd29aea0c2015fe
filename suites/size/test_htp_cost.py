"""The HTP compiler's own figures: what a graph costs is known before any phone runs it."""

from __future__ import annotations

import pytest

from fixtures.artifact import GetArtifact
from fixtures.judge import SuiteJudge
from harness.artifacts.artifact import Artifact
from harness.export.recipe import Recipe
from harness.judging.htp_cost import htp_cost
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component, Mode

pytestmark = pytest.mark.htp


@pytest.fixture
def compiled(
    model: VlmSpec, recipe: Recipe, file_mode: Mode, get_artifact: GetArtifact
) -> Artifact:
    """The model's artifact."""
    return get_artifact(model, recipe, file_mode)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_graph_is_the_htps_own(
    component: Component, compiled: Artifact, judge: SuiteJudge
) -> None:
    """In one piece, nothing left to the CPU, within the HTP's address space."""
    cost = htp_cost(compiled, component)
    judge.conclude_at_rest(cost, notes=cost.findings, **cost.figures)


@pytest.mark.parametrize("component", COMPONENTS)
def test_nothing_leaves_vtcm_for_lack_of_room(
    component: Component, compiled: Artifact, judge: SuiteJudge
) -> None:
    """What a graph spills costs DRAM bandwidth twice."""
    cost = htp_cost(compiled, component)
    judge.conclude_at_rest(cost, notes=cost.findings, spill_bytes=cost.spill_bytes)


def test_memory_traffic_of_a_token(compiled: Artifact, judge: SuiteJudge) -> None:
    """What one decode step moves through DRAM."""
    decoder = htp_cost(compiled, "text_decoder")
    judge.conclude_at_rest(decoder, ddr_bytes_per_token=decoder.ddr_bytes_per_token)


def test_memory_traffic_of_an_image(compiled: Artifact, judge: SuiteJudge) -> None:
    """What encoding one image moves through DRAM, once for each picture of a conversation."""
    encoder = htp_cost(compiled, "vision_encoder")
    judge.conclude_at_rest(encoder, ddr_bytes_per_image=encoder.ddr_bytes_per_image)


def test_time_of_a_token_that_memory_alone_allows(compiled: Artifact, judge: SuiteJudge) -> None:
    """No phone with this SoC can be faster than its DRAM."""
    decoder = htp_cost(compiled, "text_decoder")
    bound_ms = decoder.ms_per_token_lower_bound(judge.dram_rates)
    judge.conclude_at_rest(decoder, ms_per_token_lower_bound=bound_ms)

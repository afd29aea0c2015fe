"""The HTP compiler's own figures: what a graph costs is known before any phone runs it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.artifact import GetArtifact
from fixtures.judge import Judge
from fixtures.session.plugin import session_plugin
from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import GraphCost
from harness.export.recipe import Recipe
from harness.judging.htp_cost import component_costs, cost_findings, ddr_bytes_per_token
from harness.measure.gate import Context
from harness.measure.roofline import ms_per_token_lower_bound
from harness.results.gates import load_dram_rates
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component, Mode

pytestmark = pytest.mark.htp

NOT_TOLD = (
    "the manifest has no DRAM traffic from the compiler, so this QNN prints none or the file "
    "comes from elsewhere; export it with QNN 2.47"
)


@pytest.fixture
def compiled(
    model: VlmSpec, recipe: Recipe, file_mode: Mode, get_artifact: GetArtifact
) -> Artifact:
    """The model's artifact."""
    return get_artifact(model, recipe, file_mode)


def context_of(artifact: Artifact, component: Component) -> Context:
    """Where gates of one component's cost are looked up."""
    manifest = artifact.manifest
    precision = manifest.component(component).precision
    whole = Context(manifest.model, manifest.target, manifest.soc, manifest.mode, precision)
    return replace(whole, component=component)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_graph_is_the_htps_own(
    component: Component, compiled: Artifact, judge: Judge
) -> None:
    """In one piece, nothing left to the CPU, within the HTP's address space."""
    graphs = _graphs(compiled, component)
    for finding in cost_findings(graphs):
        judge.note(finding)
    context = context_of(compiled, component)
    costs = component_costs(graphs).items()
    judge.conclude(
        compiled, *(judge.exact(metric, value, context, compiled) for metric, value in costs)
    )


@pytest.mark.parametrize("component", COMPONENTS)
def test_nothing_leaves_vtcm_for_lack_of_room(
    component: Component, compiled: Artifact, judge: Judge
) -> None:
    """What a graph spills costs DRAM bandwidth twice."""
    graphs = _graphs(compiled, component)
    spilled = compiled.manifest.component(component).spill_bytes
    if spilled is None:
        pytest.skip(f"spill_bytes of {component} are unknown; {NOT_TOLD}")
    for finding in cost_findings(graphs):
        judge.note(finding)
    context = context_of(compiled, component)
    judge.conclude(compiled, judge.exact("spill_bytes", spilled, context, compiled))


def test_memory_traffic_of_a_token(compiled: Artifact, judge: Judge) -> None:
    """What one decode step moves through DRAM."""
    context = context_of(compiled, "text_decoder")
    judge.conclude(
        compiled, judge.exact("ddr_bytes_per_token", _traffic(compiled), context, compiled)
    )


def test_time_of_a_token_that_memory_alone_allows(
    compiled: Artifact, judge: Judge, pytestconfig: pytest.Config
) -> None:
    """No phone with this SoC can be faster than its DRAM."""
    soc = str(compiled.manifest.soc)
    rate = load_dram_rates(session_plugin(pytestconfig).settings.thresholds).get(soc)
    if rate is None:
        pytest.skip(f"thresholds/socs.toml has no dram_gb_per_s for {soc}; add it")
    bound_ms = ms_per_token_lower_bound(_traffic(compiled), rate)
    context = context_of(compiled, "text_decoder")
    judge.conclude(compiled, judge.exact("ms_per_token_lower_bound", bound_ms, context, compiled))


def _graphs(artifact: Artifact, component: Component) -> tuple[GraphCost, ...]:
    file = artifact.manifest.component(component)
    if not file.graphs:
        pytest.skip(f"{component} in {file.precision} is no graph of the HTP")
    return file.graphs


def _traffic(artifact: Artifact) -> int:
    traffic = ddr_bytes_per_token(artifact.manifest.component("text_decoder").graphs)
    if traffic is None:
        pytest.skip(f"ddr_bytes_per_token is unknown; {NOT_TOLD}")
    return traffic

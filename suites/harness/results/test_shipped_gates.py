"""The thresholds that ship with the package."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import pytest

from harness.measure.gate import Context, Gate, find_gate
from harness.measure.proposal import Provenance
from harness.measure.verdict import Status, judge_exact
from harness.results.thresholds import load_dram_rates, load_gates
from harness.targets.soc import SOCS
from harness.vlm.registry import known_models
from harness.vocabulary import Component, Mode, Protocol, Target

SHIPPED = Path(__file__).parents[3] / "thresholds"
RUN = Provenance("run 20261123-a1", date(2026, 11, 23))


@pytest.fixture(scope="module")
def shipped() -> tuple[Gate, ...]:
    """All gates in the repository."""
    return load_gates(SHIPPED)


def test_every_shipped_file_is_of_a_known_model(shipped: tuple[Gate, ...]) -> None:
    assert {gate.model for gate in shipped} == set(known_models())


def test_no_two_shipped_gates_contend_for_one_place(shipped: tuple[Gate, ...]) -> None:
    phones: list[tuple[Target, str | None]] = [("phone", soc) for soc in SOCS]
    devices: list[tuple[Target, str | None]] = [("host", None), ("emulator", "SM8650"), *phones]
    modes: list[Mode | None] = ["kv", "hybrid", "lookahead", None]
    components: list[Component | None] = [
        "vision_encoder",
        "token_embedding",
        "text_decoder",
        None,
    ]
    protocols: list[Protocol] = ["snapgate", "upstream"]
    precisions = ("fp32", "8da4w", "16a8w", None)
    gated = sorted({(gate.metric, gate.model) for gate in shipped})
    places = itertools.product(gated, devices, modes, precisions, components, protocols)
    for (metric, model), (target, soc), mode, precision, component, protocol in places:
        context = Context(model, target, soc, mode, precision, component, protocol)
        find_gate(shipped, metric, context)


@pytest.mark.parametrize(
    ("model", "soc", "minimum", "confidence"),
    [
        ("smolvlm_500m", "SM8650", 50, "published"),
        ("smolvlm_500m", "SM8750", 55, "published"),
        ("smolvlm_500m", "SM8550", 43, "provisional"),
        ("internvl3_1b", "SM8650", 11, "published"),
        ("internvl3_1b", "SM8750", 13, "published"),
        ("internvl3_1b", "SM8550", 9.6, "provisional"),
    ],
)
def test_upstreams_rates_judge_upstreams_protocol_only(
    shipped: tuple[Gate, ...], model: str, soc: str, minimum: float, confidence: str
) -> None:
    upstream = Context(model, "phone", soc, "kv", protocol="upstream")
    gate = find_gate(shipped, "e2e_tps", upstream)
    assert gate is not None
    assert (gate.min, gate.confidence) == (minimum, confidence)
    assert find_gate(shipped, "e2e_tps", Context(model, "phone", soc, "kv")) is None


@pytest.mark.parametrize("soc", ["SM8850", "SM8450"])
@pytest.mark.parametrize("model", ["smolvlm_500m", "internvl3_1b"])
def test_other_socs_report_upstreams_rate_without_judging_it(
    shipped: tuple[Gate, ...], model: str, soc: str
) -> None:
    gate = find_gate(shipped, "e2e_tps", Context(model, "phone", soc, "kv", protocol="upstream"))
    assert gate is not None
    assert gate.report_only


@pytest.mark.parametrize(
    ("model", "component", "maximum"),
    [
        ("smolvlm_500m", "vision_encoder", 110_000_000),
        ("smolvlm_500m", "token_embedding", 100_000_000),
        ("smolvlm_500m", "text_decoder", 400_000_000),
        ("internvl3_1b", "vision_encoder", 425_000_000),
        ("internvl3_1b", "token_embedding", 300_000_000),
        ("internvl3_1b", "text_decoder", 550_000_000),
    ],
)
@pytest.mark.parametrize("protocol", ["upstream", "snapgate"])
def test_upstreams_sizes_hold_and_an_empty_file_fails(
    shipped: tuple[Gate, ...], model: str, component: Component, maximum: int, protocol: Protocol
) -> None:
    context = Context(model, "phone", "SM8650", "kv", "16a8w", component, protocol)
    gate = find_gate(shipped, "pte_bytes", context)
    ends = [
        judge_exact(size, gate, "pte_bytes", context, provenance=RUN).status
        for size in (0, maximum, maximum + 1)
    ]
    assert ends == [Status.FAIL, Status.PASS, Status.FAIL]


@pytest.mark.parametrize("model", ["tiny_smolvlm", "tiny_internvl3"])
@pytest.mark.parametrize("mode", ["kv", "hybrid"])
def test_a_miniature_on_the_host_has_gates_for_all_its_performance(
    shipped: tuple[Gate, ...], model: str, mode: Mode
) -> None:
    context = Context(model, "host", mode=mode, precision="fp32")
    judged = ("decode_tps", "prefill_tps", "e2e_tps", "ttft_ms", "encode_ms", "load_ms")
    for metric in (*judged, "peak_rss_mib"):
        gate = find_gate(shipped, metric, context)
        assert gate is not None
        assert not gate.report_only


def test_the_soc_table_has_the_drams_that_the_provisional_gates_rest_on() -> None:
    rates = load_dram_rates(SHIPPED)
    assert (rates["SM8550"], rates["SM8650"]) == (67.2, 76.8)

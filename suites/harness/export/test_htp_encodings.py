"""Encodings that calibration finds for a decoder, and what its metadata tells a runner of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import fx

from harness.backends.qnn.recipe import HtpRecipe
from harness.export.component_key import component_config
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.activation_ranges import CalibratedDecoder, calibrate_decoder
from harness.export.htp.metadata import encoding_constants
from harness.export.htp.modules import MASKED_HTP, HtpAttention, linears_to_convolutions
from harness.export.htp.quantization import GraphEncoding
from harness.export.htp.quantizer import make_quantizer
from harness.export.inputs.conversation import EmbeddedSegment
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.vlm.registry import get_spec
from harness.vocabulary import KvEncodings

SPEC = get_spec("tiny_internvl3")
TEXT = replace(SPEC.text, layers=1, vocab_size=64)
CONTEXT, PREFILL_AR = 32, 8
METHODS = ("kv_forward", "prefill_forward")
TOP_CODE = 65535
MASK, FIRST_CACHE = 1, 3
"""Places among a method's inputs (contract §2.2)."""


@dataclass(frozen=True)
class Calibrated:
    """A decoder's graphs and the constant methods that describe them."""

    decoder: CalibratedDecoder
    constants: dict[str, object]


def conversations(decoder: StaticDecoder) -> list[tuple[EmbeddedSegment, ...]]:
    """Answers reach where no prompt does, so it matters who saw what.

    Prompts are random. Answers are rows of the head, whose logits are the largest there are, and
    end with rows of the K and V projections, whose columns are: a last token's columns are written
    and never read.
    """
    weights = decoder.state_dict()
    key, value = (weights[f"layers.0.self_attn.{one}_proj.weight"] for one in "kv")
    last = (key[:2] + value[:2])[:, None]
    answers = torch.cat([weights["lm_head.weight"][:30].reshape(2, 15, -1), last], dim=1)
    prompts = torch.randn(2, 16, TEXT.hidden_size, generator=torch.Generator().manual_seed(1))
    return [
        (EmbeddedSegment(prompt, False), EmbeddedSegment(100 * answer, True))
        for prompt, answer in zip(prompts, answers, strict=True)
    ]


def calibrate(kv_encodings: KvEncodings, kv_bits: Literal[8, 16] = 16) -> Calibrated:
    torch.manual_seed(0)
    plain = StaticDecoder(TEXT, CONTEXT, HtpAttention).eval()
    samples = conversations(plain)
    decoder = linears_to_convolutions(plain)
    assert isinstance(decoder, StaticDecoder)
    spec = replace(SPEC, text=TEXT)
    request = ExportRequest(
        spec,
        Path("unread"),
        Recipe(text_decoder="16a8w", htp=HtpRecipe(kv_bits=kv_bits)),
        target="emulator",
        context_length=CONTEXT,
        prefill_ar=PREFILL_AR,
        kv_encodings=kv_encodings,
    )
    config = component_config(
        request,
        spec,
        "text_decoder",
        image_token_id=5,
        weights_sha256="0" * 64,
        calibration_sha256="1" * 64,
    )
    quantizer = partial(make_quantizer, "16a8w", "SM8650", block_size=32, kv_bits=kv_bits)
    with pytest.MonkeyPatch.context() as patch:
        # Unset, it would make ExecuTorch download an SDK, of which encodings need nothing.
        patch.setenv("QNN_SDK_ROOT", "")
        calibrated = calibrate_decoder(decoder, quantizer, config, samples)
    return Calibrated(calibrated, encoding_constants(calibrated, config))


@pytest.fixture(scope="module")
def shared() -> Calibrated:
    return calibrate("shared")


@pytest.fixture(scope="module")
def requantized() -> Calibrated:
    return calibrate("requantized")


@pytest.fixture(scope="module")
def shared_8bit() -> Calibrated:
    return calibrate("shared", kv_bits=8)


@pytest.fixture(params=["shared", "requantized", "shared_8bit"])
def calibrated(request: pytest.FixtureRequest) -> Calibrated:
    """Every scheme in turn."""
    found: Calibrated = request.getfixturevalue(request.param)
    return found


def quantization(graph: fx.GraphModule, place: int) -> fx.Node:
    """The one operation that an input goes into: its quantization."""
    inputs = [node for node in graph.graph.nodes if node.op == "placeholder"]
    (user,) = inputs[place].users
    assert user.target == torch.ops.quantized_decomposed.quantize_per_tensor.default
    found: fx.Node = user
    return found


def encoding(quantize: fx.Node) -> GraphEncoding:
    return GraphEncoding(*quantize.args[1:5])


def real_of(code: int, stated: GraphEncoding) -> float:
    return (code - stated.zero_point) * stated.scale


@pytest.mark.parametrize("method", METHODS)
def test_the_masks_top_code_is_exactly_zero_and_its_lowest_masks(
    calibrated: Calibrated, method: str
) -> None:
    """The runner writes 65535 to attend and 0 to mask (contract §2.3)."""
    graph = calibrated.decoder.graphs[method]
    quantize = quantization(graph.module, MASK)
    mask = encoding(quantize)
    assert (mask.zero_point, mask.code_min, mask.code_max) == (TOP_CODE, 0, TOP_CODE)
    assert real_of(TOP_CODE, mask) == 0.0
    assert real_of(0, mask) == pytest.approx(MASKED_HTP)
    codes = quantize.target(torch.tensor([0.0, MASKED_HTP]), *quantize.args[1:])
    assert codes.tolist() == [TOP_CODE, 0]


@pytest.mark.parametrize("method", METHODS)
def test_a_cache_is_read_with_the_encoding_that_it_is_filled_with(
    calibrated: Calibrated, method: str
) -> None:
    graph = calibrated.decoder.graphs[method]
    filled = [*graph.keys, *graph.values]
    read = [
        encoding(quantization(graph.module, FIRST_CACHE + index)) for index in range(len(filled))
    ]
    assert len(filled) == 2 * TEXT.layers
    assert read == filled
    assert graph.keys != graph.values, "K and V must not be mistaken for each other"


@pytest.mark.parametrize("name", ["shared", "shared_8bit"])
def test_shared_means_that_both_methods_have_all_encodings_in_common(
    request: pytest.FixtureRequest, name: str
) -> None:
    decoder: CalibratedDecoder = request.getfixturevalue(name).decoder
    prefill, decode = decoder.prefill, decoder.decode
    assert prefill.module is not decode.module
    assert (prefill.keys, prefill.values) == (decode.keys, decode.values)
    assert prefill.logits == decode.logits


def test_requantized_means_that_caches_differ_and_logits_do_not(requantized: Calibrated) -> None:
    prefill, decode = requantized.decoder.prefill, requantized.decoder.decode
    pairs = zip((*prefill.keys, *prefill.values), (*decode.keys, *decode.values), strict=True)
    assert any(one.scale != other.scale for one, other in pairs)
    assert prefill.logits == decode.logits


def test_decoding_covers_whole_conversations_for_in_kv_mode_it_is_all_there_is(
    shared: Calibrated, requantized: Calibrated
) -> None:
    prefill, decode = requantized.decoder.prefill, requantized.decoder.decode
    kinds = ("keys", "values")
    for (prompts,), (whole,), (of_all,) in (
        (getattr(one, kind) for one in (prefill, decode, shared.decoder.decode)) for kind in kinds
    ):
        assert whole.scale == pytest.approx(of_all.scale, rel=1e-3)
        assert whole.scale > 1.05 * prompts.scale
    assert decode.logits.scale == pytest.approx(shared.decoder.decode.logits.scale, rel=1e-3)


def test_codes_are_as_wide_as_the_cache(shared: Calibrated, shared_8bit: Calibrated) -> None:
    for one, top in ((shared, TOP_CODE), (shared_8bit, 255)):
        for graph in one.decoder.graphs.values():
            caches = [*graph.keys, *graph.values]
            assert {(cache.code_min, cache.code_max) for cache in caches} == {(0, top)}
            assert all(0 <= cache.zero_point <= top for cache in caches)
            assert graph.logits.code_max == TOP_CODE


@pytest.mark.parametrize(
    ("name", "dtype"), [("shared", "torch.int32"), ("shared_8bit", "torch.uint8")]
)
def test_metadata_of_a_shared_cache_counts_v_of_a_layer_before_its_k(
    request: pytest.FixtureRequest, name: str, dtype: str
) -> None:
    """Names, order and dtypes of contract §2.6."""
    one: Calibrated = request.getfixturevalue(name)
    decode = one.decoder.decode

    def stated(cache: GraphEncoding) -> list[object]:
        return [cache.scale, cache.zero_point, cache.code_min, cache.code_max, dtype]

    assert list(one.constants.items()) == [
        ("get_logits_scale", decode.logits.scale),
        ("get_logits_zero_point", decode.logits.zero_point),
        ("get_kv_output_0_quant_attr", stated(decode.values[0])),
        ("get_kv_output_1_quant_attr", stated(decode.keys[0])),
    ]


def test_metadata_to_convert_by_is_of_prefills_outputs_and_decodings_inputs(
    requantized: Calibrated,
) -> None:
    """Names of contract §4.9, by whose presence such a file is known."""
    outputs, inputs = requantized.decoder.prefill, requantized.decoder.decode
    assert list(requantized.constants.items()) == [
        ("get_logits_scale", inputs.logits.scale),
        ("get_logits_zero_point", inputs.logits.zero_point),
        ("get_k_scale_output_0", outputs.keys[0].scale),
        ("get_k_zero_point_output_0", outputs.keys[0].zero_point),
        ("get_v_scale_output_0", outputs.values[0].scale),
        ("get_v_zero_point_output_0", outputs.values[0].zero_point),
        ("get_k_scale_input_0", inputs.keys[0].scale),
        ("get_k_zero_point_input_0", inputs.keys[0].zero_point),
        ("get_v_scale_input_0", inputs.values[0].scale),
        ("get_v_zero_point_input_0", inputs.values[0].zero_point),
    ]

"""Constant methods that tell a runner the encodings of a decoder (contract §2.6, §4.9)."""

from __future__ import annotations

from harness.export.htp.activation_ranges import CalibratedDecoder, CalibratedGraph
from harness.export.htp.quantization import GraphEncoding
from harness.export.inputs.build_config import BuildConfig

_CODE_DTYPES = {255: "torch.uint8", 65535: "torch.int32"}
"""Dtype that upstream's metadata names, by top code: 16-bit codes are int32 before lowering."""


def encoding_constants(decoder: CalibratedDecoder, config: BuildConfig) -> dict[str, object]:
    """Metadata of a quantized decoder.

    Args:
        decoder: What was calibrated.
        config: States the scheme of the KV cache.
    """
    logits = decoder.decode.logits
    constants: dict[str, object] = {
        "get_logits_scale": logits.scale,
        "get_logits_zero_point": logits.zero_point,
    }
    if config.kv_encodings == "requantized":
        return {
            **constants,
            **_conversion("output", decoder.prefill),
            **_conversion("input", decoder.decode),
        }
    return {**constants, **_shared(decoder.decode)}


def _shared(graph: CalibratedGraph) -> dict[str, object]:
    """Upstream counts in the order of graph nodes, where V of a layer precedes its K."""
    constants: dict[str, object] = {}
    for layer, (key, value) in enumerate(zip(graph.keys, graph.values, strict=True)):
        constants[f"get_kv_output_{2 * layer}_quant_attr"] = _attributes(value)
        constants[f"get_kv_output_{2 * layer + 1}_quant_attr"] = _attributes(key)
    return constants


def _attributes(encoding: GraphEncoding) -> list[object]:
    dtype = _CODE_DTYPES[encoding.code_max]
    return [encoding.scale, encoding.zero_point, encoding.code_min, encoding.code_max, dtype]


def _conversion(side: str, graph: CalibratedGraph) -> dict[str, object]:
    """Names of PR #16536, which tell a runner that it must convert."""
    constants: dict[str, object] = {}
    for letter, encodings in (("k", graph.keys), ("v", graph.values)):
        for layer, encoding in enumerate(encodings):
            constants[f"get_{letter}_scale_{side}_{layer}"] = encoding.scale
            constants[f"get_{letter}_zero_point_{side}_{layer}"] = encoding.zero_point
    return constants

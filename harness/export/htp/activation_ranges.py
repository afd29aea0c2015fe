"""Finding a decoder's encodings by running samples through its observed graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import fx
from torchao.quantization.pt2e.quantizer import Quantizer

from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp import quantization
from harness.export.htp.float_cache import Call, FloatCache
from harness.export.inputs.build_config import BuildConfig
from harness.export.inputs.conversation import EmbeddedSegment
from harness.export.weights.grid import QuantizedWeight

_CALIBRATION_AR = 16
"""AR of the graph that kv mode is calibrated with: a token per call would take 16 times as long."""


@dataclass(frozen=True)
class CalibratedGraph:
    """One method before it is compiled.

    Attributes:
        module: Graph with quantize and dequantize operations.
        inputs: Example inputs.
        logits: Encoding of the logits.
        keys: Encoding of each layer's K, of the cache as of the new columns.
        values: The same for V.
    """

    module: fx.GraphModule
    inputs: quantization.Inputs
    logits: quantization.GraphEncoding
    keys: tuple[quantization.GraphEncoding, ...]
    values: tuple[quantization.GraphEncoding, ...]


@dataclass(frozen=True)
class CalibratedDecoder:
    """All methods of a decoder by name."""

    graphs: dict[str, CalibratedGraph]

    @property
    def decode(self) -> CalibratedGraph:
        """The method that decodes."""
        return self.graphs["kv_forward"]

    @property
    def prefill(self) -> CalibratedGraph:
        """The method that prefills, which in kv mode is the one that decodes."""
        return self.graphs.get("prefill_forward", self.decode)


@dataclass(frozen=True)
class _Calibrator:
    """Prepares and observes graphs of one decoder."""

    decoder: StaticDecoder
    make_quantizer: Callable[[], Quantizer]
    weights: Mapping[str, QuantizedWeight]

    def prepare(self, ar: int) -> fx.GraphModule:
        """An observed graph that consumes AR tokens per call."""
        inputs = self.decoder.example_inputs(ar)
        return quantization.prepare(self.decoder, inputs, self.make_quantizer(), self.weights)

    def settle(self, prepared: fx.GraphModule) -> None:
        """Complete the ranges that samples cannot know."""
        quantization.observe_whole_tables(prepared)
        quantization.join_cache_ranges(prepared, self.decoder.geometry.layers)


def calibrate_decoder(
    decoder: StaticDecoder,
    make_quantizer: Callable[[], Quantizer],
    config: BuildConfig,
    conversations: Sequence[Sequence[EmbeddedSegment]],
    weights: Mapping[str, QuantizedWeight] = MappingProxyType({}),
) -> CalibratedDecoder:
    """Find encodings for all methods of a decoder.

    ``shared``: every method gets the encodings of one calibration over whole conversations.
    ``requantized`` (PR #16536): the prefill graph is calibrated on prompts alone, the decode graph
    on whole conversations, for in kv mode it is all there is.

    Args:
        decoder: The float decoder.
        make_quantizer: Makes a quantizer for each graph.
        config: Which methods, and the scheme.
        conversations: The samples.
        weights: Of layers whose codes are known already, by path.
    """
    calibrator = _Calibrator(decoder, make_quantizer, weights)
    ars = {"kv_forward": config.decode_ar}
    if config.prefill_ar is not None:
        ars["prefill_forward"] = config.prefill_ar
    if config.kv_encodings == "requantized":
        prepared = _calibrate_apart(calibrator, ars, config, conversations)
    else:
        prepared = _calibrate_together(calibrator, ars, conversations)
    inputs = {name: decoder.example_inputs(ar) for name, ar in ars.items()}
    layers = decoder.geometry.layers
    converted = {name: _converted(graph, inputs[name], layers) for name, graph in prepared.items()}
    quantization.share_weights(*(graph.module for graph in converted.values()))
    return CalibratedDecoder(converted)


def _calibrate_together(
    calibrator: _Calibrator, ars: dict[str, int], conversations: Sequence[Sequence[EmbeddedSegment]]
) -> dict[str, fx.GraphModule]:
    observed_ar = ars.get("prefill_forward", _CALIBRATION_AR)
    observed = calibrator.prepare(observed_ar)
    feed((observed, observed_ar), (observed, observed_ar), calibrator.decoder, conversations)
    calibrator.settle(observed)
    return {
        name: observed if name == "prefill_forward" else _twin(calibrator, ar, observed)
        for name, ar in ars.items()
    }


def _calibrate_apart(
    calibrator: _Calibrator,
    ars: dict[str, int],
    config: BuildConfig,
    conversations: Sequence[Sequence[EmbeddedSegment]],
) -> dict[str, fx.GraphModule]:
    assert config.htp is not None
    prefill_ar = ars["prefill_forward"]
    prefill, decode = calibrator.prepare(prefill_ar), calibrator.prepare(_CALIBRATION_AR)
    feed_apart((prefill, prefill_ar), (decode, _CALIBRATION_AR), calibrator.decoder, conversations)
    for observed in (prefill, decode):
        calibrator.settle(observed)
    layers = calibrator.decoder.geometry.layers
    quantization.widen_cache_ranges(decode, layers, config.htp.decode_kv_headroom)
    quantization.join_logits_ranges(prefill, decode)
    return {"kv_forward": _twin(calibrator, config.decode_ar, decode), "prefill_forward": prefill}


def _twin(calibrator: _Calibrator, ar: int, observed: fx.GraphModule) -> fx.GraphModule:
    """A graph for another AR with the ranges of one that has been observed."""
    twin = calibrator.prepare(ar)
    with torch.no_grad():
        # Observers learn the shape of their ranges from a first call.
        twin(*calibrator.decoder.example_inputs(ar))
    quantization.copy_ranges(observed, twin)
    return twin


def _converted(
    prepared: fx.GraphModule, inputs: quantization.Inputs, layers: int
) -> CalibratedGraph:
    module = quantization.convert(prepared)
    logits, *caches = quantization.output_encodings(module)
    return CalibratedGraph(module, inputs, logits, tuple(caches[:layers]), tuple(caches[layers:]))


def feed_apart(
    prefill: tuple[Call, int],
    decode: tuple[Call, int],
    decoder: StaticDecoder,
    conversations: Sequence[Sequence[EmbeddedSegment]],
) -> None:
    """Show one graph the prompts and another everything.

    Args:
        prefill: Graph and AR that see prompts; what was answered before is in the cache.
        decode: Graph and AR that see prompts and answers, since a kv run feeds it both.
        decoder: The float decoder, which puts the answers into the cache of ``prefill``.
        conversations: Of at most a context's length each.
    """
    feed(prefill, (decoder, prefill[1]), decoder, conversations)
    feed(decode, decode, decoder, conversations)


def feed(
    prefill: tuple[Call, int],
    decode: tuple[Call, int],
    decoder: StaticDecoder,
    conversations: Iterable[Sequence[EmbeddedSegment]],
) -> None:
    """Run prompts through one graph and answers through another, in chunks of their AR.

    A chunk that would reach beyond the context begins earlier, with tokens that are known already:
    it computes the same again, and no token stays unseen.

    Args:
        prefill: Graph and AR for prompts.
        decode: Graph and AR for answers.
        decoder: Gives the context.
        conversations: Of at most a context's length each.
    """
    with torch.no_grad():
        for segments in conversations:
            cache, rows = FloatCache(decoder), torch.cat([segment.rows for segment in segments])
            end = 0
            for segment in segments:
                call, ar = decode if segment.is_answer else prefill
                first, end = end, end + len(segment.rows)
                for start in range(first, end, ar):
                    cache.filled = min(start, decoder.context_length - ar)
                    cache.step(call, rows[cache.filled : min(start + ar, end)], ar)

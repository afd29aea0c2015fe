"""One component for the HTP: weights in, one ``.pte`` out, and what the compiler says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torchao.quantization.pt2e.quantizer import Quantizer

from harness.artifacts.manifest import GraphCost
from harness.backends.lean_lowering import lean_passes, without_collections
from harness.backends.qnn.delegation import CompilerOptions, HtpMethod
from harness.backends.qnn.lowering import lower_to_pte
from harness.backends.qnn.provider import activate
from harness.backends.qnn.recipe import WeightScheme
from harness.checkpoint.checkpoint import Checkpoint
from harness.export.graphs.component import decoder_constants, load_module, method_inputs
from harness.export.graphs.samples import embedded_samples, tokenized_samples
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.activation_ranges import CalibratedDecoder, calibrate_decoder
from harness.export.htp.cost import graph_costs
from harness.export.htp.encoder_form import choose_form, sequence_rows, with_form
from harness.export.htp.metadata import encoding_constants
from harness.export.htp.modules import (
    HtpAttention,
    linears_to_convolutions,
    turn_keys,
    with_builtin_gelu,
)
from harness.export.htp.quantization import convert, prepare, share_weights
from harness.export.htp.quantizer import layer_schemes, make_quantizer, weight_grids
from harness.export.inputs.build_config import BuildConfig
from harness.export.inputs.conversation import TokenizedSample
from harness.export.weights.grid import QuantizedWeight
from harness.export.weights.rounding import round_weights
from harness.export.weights.turned_decoder import turn_hidden_states
from harness.export.worker.messages import ReportStage, Task
from harness.machine_memory import collect_garbage
from harness.targets.soc import get_soc

_KV_DTYPES = {8: torch.uint8, 16: torch.uint16}


def build_htp_component(
    checkpoint: Checkpoint, task: Task, report: ReportStage
) -> tuple[GraphCost, ...]:
    """Export one component.

    Args:
        checkpoint: Where the weights are.
        task: What to build, from which samples, with which libraries.
        report: Told the name of each stage as it begins.

    Returns:
        Cost of every graph.

    Raises:
        UserError: If a weight or sample does not fit, or the libraries cannot be used.
    """
    config = task.config
    qnn = activate(task.qnn_dir)
    assert config.soc is not None
    conversations = tokenized_samples(checkpoint, task.calibration)
    methods, constants = component_methods(checkpoint, config, conversations, report)
    report("compile")
    options = CompilerOptions(
        get_soc(config.soc), fp16=config.precision == "fp16", for_phone=config.shares_memory
    )
    collect_garbage()
    with lean_passes(), without_collections(), torch.no_grad(), task.output.open("wb") as file:
        lowered = lower_to_pte(
            methods,
            constants,
            options,
            plan_io_memory=config.component == "vision_encoder",
            output=file,
        )
    return graph_costs(lowered, task.output, qnn)


def component_methods(
    checkpoint: Checkpoint,
    config: BuildConfig,
    conversations: Sequence[TokenizedSample],
    report: ReportStage,
) -> tuple[dict[str, HtpMethod], dict[str, object]]:
    """Graphs of a component as its file will compute, still in torch, and its constant methods.

    Args:
        checkpoint: Where the weights are.
        config: What to build.
        conversations: Samples that ranges are found on.
        report: Told the name of each stage as it begins.

    Raises:
        UserError: If a weight or sample does not fit.
    """
    report("weights")
    if config.component == "text_decoder":
        return _decoder(checkpoint, config, conversations, report)
    if config.component == "vision_encoder":
        return _encoder(checkpoint, config, conversations, report), {}
    return _token_embedding(checkpoint, config, report), {}


def htp_decoder(checkpoint: Checkpoint, context_length: int | None) -> StaticDecoder:
    """The float decoder as the HTP wants it, linears as convolutions."""
    decoder = load_module(checkpoint, "text_decoder", context_length, HtpAttention)
    return _convolved(decoder)


def _convolved(decoder: nn.Module) -> StaticDecoder:
    convolved = linears_to_convolutions(decoder)
    assert isinstance(convolved, StaticDecoder)
    return convolved


def calibrated_decoder(
    checkpoint: Checkpoint, config: BuildConfig, conversations: Sequence[TokenizedSample]
) -> CalibratedDecoder:
    """Graphs of a decoder with their encodings, before they are compiled.

    Args:
        checkpoint: Weights of all components: the decoder is calibrated on what the float encoder
            and the float table make of the samples.
        config: Modes, precision and details.
        conversations: The samples.
    """
    embedded = embedded_samples(checkpoint, conversations)
    decoder = load_module(checkpoint, "text_decoder", config.context_length, HtpAttention)
    assert isinstance(decoder, StaticDecoder)
    rows = [torch.cat([segment.rows for segment in segments]) for segments in embedded]
    if config.rotates_hidden:
        turn_hidden_states(decoder)
    weights = _rounded(decoder, config, rows)
    assert config.htp is not None
    if config.htp.rotate_keys:
        turn_keys(decoder)
    decoder = _convolved(decoder)
    return calibrate_decoder(decoder, _quantizer_of(config, decoder), config, embedded, weights)


def _decoder(
    checkpoint: Checkpoint,
    config: BuildConfig,
    conversations: Sequence[TokenizedSample],
    report: ReportStage,
) -> tuple[dict[str, HtpMethod], dict[str, object]]:
    constants: dict[str, object] = dict(decoder_constants(checkpoint.spec, config))
    if config.precision == "fp16":
        decoder = htp_decoder(checkpoint, config.context_length)
        inputs = method_inputs(checkpoint.spec, config, decoder)
        return {name: HtpMethod(decoder, one) for name, one in inputs.items()}, constants
    report("calibrate")
    calibrated = calibrated_decoder(checkpoint, config, conversations)
    constants.update(encoding_constants(calibrated, config))
    assert config.htp is not None
    layers, kv = checkpoint.spec.text.layers, _KV_DTYPES[config.htp.kv_bits]
    caches = {3 + index: kv for index in range(2 * layers)}
    new_columns = {1 + index: kv for index in range(2 * layers)}
    methods = {
        name: HtpMethod(
            graph.module,
            graph.inputs,
            input_dtypes={1: torch.uint16, **caches},
            output_dtypes={0: torch.uint16, **new_columns},
        )
        for name, graph in calibrated.graphs.items()
    }
    return methods, constants


def _encoder(
    checkpoint: Checkpoint,
    config: BuildConfig,
    conversations: Sequence[TokenizedSample],
    report: ReportStage,
) -> dict[str, HtpMethod]:
    encoder = with_builtin_gelu(load_module(checkpoint, "vision_encoder"))
    if config.precision != "fp16":
        encoder = _in_chosen_form(encoder, checkpoint, config)
    weights = _rounded(encoder, config, ())
    if config.htp is not None and (config.precision == "16a4w_block" or config.htp.overrides):
        encoder = linears_to_convolutions(encoder)
    inputs = method_inputs(checkpoint.spec, config, encoder)
    if config.precision != "fp16":
        report("calibrate")
        quantizer = _quantizer_of(config, encoder)()
        prepared = prepare(encoder, inputs["forward"], quantizer, weights)
        with torch.no_grad():
            for picture in (one for sample in conversations for one in sample.pictures):
                prepared(torch.from_numpy(picture))
        encoder = convert(prepared)
    return {"forward": HtpMethod(encoder, inputs["forward"])}


def _in_chosen_form(encoder: nn.Module, checkpoint: Checkpoint, config: BuildConfig) -> nn.Module:
    """What is measured is fixed point; a float16 graph stays as it is."""
    assert config.soc is not None
    (pixel_values,) = method_inputs(checkpoint.spec, config, encoder)["forward"]
    rows = sequence_rows(encoder, pixel_values)
    if rows is None:
        return encoder
    form = choose_form(checkpoint.spec.vision, rows, get_soc(config.soc))
    return with_form(encoder, rows, form)


def _token_embedding(
    checkpoint: Checkpoint, config: BuildConfig, report: ReportStage
) -> dict[str, HtpMethod]:
    """A table; in 16 bits its rows share one encoding, which is that of the output, too."""
    table = load_module(checkpoint, "token_embedding")
    inputs = method_inputs(checkpoint.spec, config, table)
    if config.precision == "fp16":
        return {name: HtpMethod(table, one) for name, one in inputs.items()}
    report("quantize")
    assert config.soc is not None
    converted = {}
    for name, one in inputs.items():
        prepared = prepare(table, one, make_quantizer("16a8w", config.soc, block_size=1))
        prepared(*one)
        converted[name] = convert(prepared)
    share_weights(*converted.values())
    return {name: HtpMethod(converted[name], one) for name, one in inputs.items()}


def _schemes(module: nn.Module, config: BuildConfig) -> dict[str, WeightScheme]:
    """Weight scheme of every layer of a component."""
    assert config.htp is not None
    scheme, weights = cast(WeightScheme, config.precision), config.weights
    head: WeightScheme | None = "16a8w" if weights is not None and weights.head_bits == 8 else None
    overrides = config.htp.overrides_of(config.component)
    return layer_schemes(module, scheme, config.htp, overrides, head)


def _rounded(
    module: nn.Module, config: BuildConfig, rows: Sequence[Tensor]
) -> dict[str, QuantizedWeight]:
    """Codes of a component's 4-bit linears, before these become convolutions."""
    if config.weights is None:
        return {}
    assert config.htp is not None
    grids = weight_grids(module, _schemes(module, config), config.htp)
    return round_weights(module, grids, config.weights, rows)


def _quantizer_of(config: BuildConfig, module: nn.Module) -> Callable[[], Quantizer]:
    """Each graph gets a quantizer of its own, for a quantizer remembers the graph it annotated."""
    assert config.htp is not None
    assert config.soc is not None
    scheme, schemes = cast(WeightScheme, config.precision), _schemes(module, config)
    return partial(
        make_quantizer,
        scheme,
        config.soc,
        block_size=config.htp.block_size,
        kv_bits=config.htp.kv_bits if config.component == "text_decoder" else None,
        layers={path: own for path, own in schemes.items() if own != scheme},
    )

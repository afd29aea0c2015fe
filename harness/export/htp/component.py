"""One component for the HTP: weights in, one ``.pte`` out, and what the compiler says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import torch
from torch import nn
from torchao.quantization.pt2e.quantizer import Quantizer

from harness.artifacts.manifest import GraphCost
from harness.backends.qnn.delegation import CompilerOptions, HtpMethod
from harness.backends.qnn.lowering import lower_to_pte
from harness.backends.qnn.provider import activate
from harness.backends.qnn.recipe import WeightScheme
from harness.checkpoint.checkpoint import Checkpoint
from harness.export.graphs.component import decoder_constants, load_module, method_inputs
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.activation_ranges import CalibratedDecoder, calibrate_decoder
from harness.export.htp.cost import graph_costs
from harness.export.htp.metadata import encoding_constants
from harness.export.htp.modules import HtpAttention, linears_to_convolutions, with_builtin_gelu
from harness.export.htp.quantization import convert, prepare
from harness.export.htp.quantizer import layer_schemes, make_quantizer
from harness.export.inputs.build_config import BuildConfig
from harness.export.inputs.conversation import (
    EmbeddedSegment,
    TokenizedSample,
    embed,
    read_conversation,
)
from harness.export.worker.messages import ReportStage, Task
from harness.targets.soc import get_soc
from harness.vocabulary import CALIBRATED

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
    methods, constants = _methods(checkpoint, config, _conversations(checkpoint, task), report)
    report("compile")
    options = CompilerOptions(
        get_soc(config.soc), fp16=config.precision == "fp16", for_phone=config.shares_memory
    )
    with torch.no_grad(), task.output.open("wb") as file:
        lowered = lower_to_pte(
            methods,
            constants,
            options,
            plan_io_memory=config.component == "vision_encoder",
            output=file,
        )
    return graph_costs(lowered, task.output, qnn)


def _methods(
    checkpoint: Checkpoint,
    config: BuildConfig,
    conversations: Sequence[TokenizedSample],
    report: ReportStage,
) -> tuple[dict[str, HtpMethod], dict[str, object]]:
    """Graphs and constant methods of a component."""
    report("weights")
    if config.component == "text_decoder":
        return _decoder(checkpoint, config, conversations, report)
    if config.component == "vision_encoder":
        return _encoder(checkpoint, config, conversations, report), {}
    return _token_embedding(checkpoint, config, report), {}


def htp_decoder(checkpoint: Checkpoint, context_length: int | None) -> StaticDecoder:
    """The float decoder as the HTP wants it, linears as convolutions."""
    decoder = load_module(checkpoint, "text_decoder", context_length, HtpAttention)
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
    embedded = _embedded(checkpoint, conversations)
    decoder = htp_decoder(checkpoint, config.context_length)
    return calibrate_decoder(decoder, _quantizer_of(config, decoder), config, embedded)


def _embedded(
    checkpoint: Checkpoint, conversations: Sequence[TokenizedSample]
) -> list[tuple[EmbeddedSegment, ...]]:
    """The samples as decoder input; encoder and table are let go before a decoder is loaded."""
    encoder = load_module(checkpoint, "vision_encoder")
    table = load_module(checkpoint, "token_embedding").get_parameter("embedding.weight")
    with torch.no_grad():
        return [
            embed(
                conversation,
                table,
                [encoder(torch.from_numpy(picture))[0] for picture in conversation.pictures],
            )
            for conversation in conversations
        ]


def _conversations(checkpoint: Checkpoint, task: Task) -> list[TokenizedSample]:
    if task.config.precision not in CALIBRATED:
        return []
    tokenizer = checkpoint.directory / "tokenizer.json"
    return [read_conversation(sample, checkpoint.spec, tokenizer) for sample in task.calibration]


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
    if config.htp is not None and (config.precision == "16a4w_block" or config.htp.overrides):
        encoder = linears_to_convolutions(encoder)
    inputs = method_inputs(checkpoint.spec, config, encoder)
    if config.precision != "fp16":
        report("calibrate")
        prepared = prepare(encoder, inputs["forward"], _quantizer_of(config, encoder)())
        with torch.no_grad():
            for picture in (one for sample in conversations for one in sample.pictures):
                prepared(torch.from_numpy(picture))
        encoder = convert(prepared)
    return {"forward": HtpMethod(encoder, inputs["forward"])}


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
    methods = {}
    for name, one in inputs.items():
        prepared = prepare(table, one, make_quantizer("16a8w", config.soc, block_size=1))
        prepared(*one)
        methods[name] = HtpMethod(convert(prepared), one)
    return methods


def _quantizer_of(config: BuildConfig, module: nn.Module) -> Callable[[], Quantizer]:
    """Each graph gets a quantizer of its own, for a quantizer remembers the graph it annotated."""
    assert config.htp is not None
    assert config.soc is not None
    scheme = cast(WeightScheme, config.precision)
    schemes = layer_schemes(module, scheme, config.htp, config.htp.overrides_of(config.component))
    return partial(
        make_quantizer,
        scheme,
        config.soc,
        block_size=config.htp.block_size,
        kv_bits=config.htp.kv_bits if config.component == "text_decoder" else None,
        layers={path: own for path, own in schemes.items() if own != scheme},
    )

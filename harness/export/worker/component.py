"""One component for the CPU: weights in, one ``.pte`` out."""

from __future__ import annotations

import torch
from torch import nn

from harness.backends import xnnpack
from harness.checkpoint.checkpoint import Checkpoint
from harness.errors import UserError
from harness.export.graphs.component import decoder_constants, load_module, method_inputs
from harness.export.graphs.token_embedding import (
    Int4TokenEmbedding,
    Int8TokenEmbedding,
    TokenEmbedding,
)
from harness.export.worker.messages import ReportStage, Task
from harness.vocabulary import Precision


def build_component(checkpoint: Checkpoint, task: Task, report: ReportStage) -> None:
    """Export one component.

    Args:
        checkpoint: Where the weights are.
        task: What to build, and the ``.pte`` to write.
        report: Told the name of each stage as it begins.

    Raises:
        UserError: If a weight is missing or left over.
    """
    config = task.config
    report("weights")
    module = load_module(checkpoint, config.component, config.context_length)
    if config.precision != "fp32":
        report("quantize")
        module = _quantize(module, config.precision)
    report("export")
    with torch.no_grad():
        methods = {
            name: torch.export.export(module, inputs, strict=False)
            for name, inputs in method_inputs(checkpoint.spec, config, module).items()
        }
    report("lower")
    is_decoder = config.component == "text_decoder"
    constants = decoder_constants(checkpoint.spec, config) if is_decoder else {}
    with task.output.open("wb") as file:
        xnnpack.lower_to_pte(
            methods, constants, plan_io_memory=config.component == "vision_encoder", output=file
        )


def _quantize(module: nn.Module, precision: Precision) -> nn.Module:
    if isinstance(module, TokenEmbedding):
        table = module.embedding.weight.detach()
        return Int8TokenEmbedding(table) if precision == "8w" else Int4TokenEmbedding(table)
    quantize_linears_8da4w(module)
    return module


def quantize_linears_8da4w(module: nn.Module) -> None:
    """Give every linear int4 weights and int8 activations that are quantized at run time.

    Convolutions (the patch embedding) stay float32.

    Args:
        module: Changed in place.

    Raises:
        UserError: If a linear's inputs do not divide into whole groups.
    """
    from torchao.quantization import quantize_

    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear) and layer.in_features % xnnpack.GROUP_SIZE:
            raise UserError(
                f"{name} has {layer.in_features} inputs, not a multiple of the "
                f"{xnnpack.GROUP_SIZE} that 8da4w groups; export this component with --precision "
                "fp32."
            )
    quantize_(module, xnnpack.config_8da4w())

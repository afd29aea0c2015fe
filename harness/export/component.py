"""One component: weights in, one ``.pte`` out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.backends import xnnpack
from harness.errors import UserError
from harness.export.checkpoint import Checkpoint
from harness.export.component_key import BuildConfig
from harness.export.graphs.text_decoder import StaticAttention, StaticDecoder
from harness.export.graphs.token_embedding import (
    Int4TokenEmbedding,
    Int8TokenEmbedding,
    TokenEmbedding,
)
from harness.export.graphs.vision_encoder import InternVl3Encoder, SmolVlmEncoder
from harness.export.metadata import decoder_constants
from harness.export.quantization import quantize_linears_8da4w
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Component, Precision

ReportStage = Callable[[str], None]

_ENCODERS: dict[str, type[SmolVlmEncoder] | type[InternVl3Encoder]] = {
    "smolvlm": SmolVlmEncoder,
    "internvl3": InternVl3Encoder,
}


def build_component(
    checkpoint: Checkpoint, order: BuildConfig, output: Path, report: ReportStage
) -> None:
    """Export one component.

    Args:
        checkpoint: Where the weights are.
        order: What to build.
        output: The ``.pte`` to write.
        report: Told the name of each stage as it begins.

    Raises:
        UserError: If a weight is missing or left over.
    """
    report("weights")
    module = load_module(checkpoint, order.component, order.context_length)
    if order.precision != "fp32":
        report("quantize")
        module = _quantize(module, order.precision)
    report("export")
    with torch.no_grad():
        methods = {
            name: torch.export.export(module, inputs, strict=False)
            for name, inputs in method_inputs(checkpoint.spec, order, module).items()
        }
    report("lower")
    is_decoder = order.component == "text_decoder"
    constants = decoder_constants(checkpoint.spec, order) if is_decoder else {}
    with output.open("wb") as file:
        xnnpack.lower_to_pte(
            methods, constants, plan_io_memory=order.component == "vision_encoder", output=file
        )


def load_module(
    checkpoint: Checkpoint,
    component: Component,
    context_length: int | None = None,
    attention: type[StaticAttention] = StaticAttention,
) -> nn.Module:
    """Build a component's float32 module with its weights.

    Args:
        checkpoint: Where the weights are.
        component: Which module.
        context_length: Of a text decoder; the model's own if None.
        attention: How a text decoder's attention is written.

    Raises:
        UserError: If a weight is missing, left over or of another shape.
    """
    spec = checkpoint.spec
    module: nn.Module
    if component == "vision_encoder":
        module = _ENCODERS[spec.family.name](spec.vision, spec.text)
    elif component == "token_embedding":
        module = TokenEmbedding(spec.text)
    else:
        module = StaticDecoder(spec.text, context_length or spec.context_length, attention)
    weights = checkpoint.component_weights(component)
    try:
        module.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"The checkpoint does not fit the {component} of {spec.name} ({reason}); "
            "name the right --checkpoint."
        ) from error
    return module.eval()


def _quantize(module: nn.Module, precision: Precision) -> nn.Module:
    if isinstance(module, TokenEmbedding):
        table = module.embedding.weight.detach()
        return Int8TokenEmbedding(table) if precision == "8w" else Int4TokenEmbedding(table)
    quantize_linears_8da4w(module)
    return module


def method_inputs(
    spec: VlmSpec, order: BuildConfig, module: nn.Module
) -> dict[str, tuple[Tensor, ...]]:
    """Names and example inputs of a component's methods (contract §1.2, §2.2, §3)."""
    if order.component == "vision_encoder":
        side = spec.vision.image_size_px
        return {"forward": (torch.zeros(1, 3, side, side),)}
    autoregression = {"kv_forward": order.decode_ar}
    if order.prefill_ar is not None:
        autoregression["prefill_forward"] = order.prefill_ar
    if isinstance(module, StaticDecoder):
        return {name: module.example_inputs(ar) for name, ar in autoregression.items()}
    return {
        f"tok_embedding_{name}": (torch.zeros(1, ar, dtype=torch.int32),)
        for name, ar in autoregression.items()
    }

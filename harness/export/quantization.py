"""Quantization of linears before export."""

from __future__ import annotations

import torch
from torch import nn

from harness.errors import UserError

GROUP_SIZE = 32
"""Input features of a linear that share one int4 scale."""


def quantize_linears_8da4w(module: nn.Module) -> None:
    """Give every linear int4 weights and int8 activations that are quantized at run time.

    Weights are symmetric, one scale per output channel and group of ``GROUP_SIZE`` inputs;
    activations are asymmetric per token. XNNPACK has kernels for exactly this scheme. Convolutions
    (the patch embedding) stay float32.

    Args:
        module: Changed in place.

    Raises:
        UserError: If a linear's inputs do not divide into whole groups.
    """
    from torchao.quantization import Int8DynamicActivationIntxWeightConfig, quantize_
    from torchao.quantization.granularity import PerGroup

    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear) and layer.in_features % GROUP_SIZE:
            raise UserError(
                f"{name} has {layer.in_features} inputs, not a multiple of the {GROUP_SIZE} that "
                "8da4w groups; export this component with --precision fp32."
            )
    quantize_(
        module,
        Int8DynamicActivationIntxWeightConfig(
            weight_dtype=torch.int4,  # type: ignore[attr-defined]  # torch 2.13 has no stub for it
            weight_granularity=PerGroup(GROUP_SIZE),
        ),
    )

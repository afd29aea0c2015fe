"""Quantization of linears before export."""

from __future__ import annotations

from torch import nn

from harness.backends.xnnpack import GROUP_SIZE, config_8da4w
from harness.errors import UserError


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
        if isinstance(layer, nn.Linear) and layer.in_features % GROUP_SIZE:
            raise UserError(
                f"{name} has {layer.in_features} inputs, not a multiple of the {GROUP_SIZE} that "
                "8da4w groups; export this component with --precision fp32."
            )
    quantize_(module, config_8da4w())

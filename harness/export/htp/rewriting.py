"""Float modules written as the HTP's compiler and quantizer want them."""

from __future__ import annotations

from torch import nn

from harness.export.graphs.vision_encoder import TanhGelu


def linears_to_convolutions(module: nn.Module) -> nn.Module:
    """Weights in blocks and weights of single layers are quantized on 1x1 convolutions only."""
    from executorch.backends.qualcomm.utils.utils import convert_linear_to_conv2d

    converted: nn.Module = convert_linear_to_conv2d(module)
    return converted.eval()


def with_builtin_gelu(module: nn.Module) -> nn.Module:
    """QNN has GELU as one operation; written out it would be seven, each with an encoding."""
    for name, layer in list(module.named_modules()):
        if isinstance(layer, TanhGelu):
            owner, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(owner), attribute, nn.GELU(approximate="tanh"))
    return module

"""Float modules written as XNNPACK takes them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PooledRmsNorm(nn.Module):
    """``nn.RMSNorm`` whose mean is that of a picture of one row.

    XNNPACK has no mean over one dimension, but pools over two; where it does not take the mean,
    every norm cuts the graph in two.
    """

    def __init__(self, norm: nn.RMSNorm) -> None:
        super().__init__()
        assert norm.eps is not None
        self.weight, self.eps = norm.weight, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, AR, hidden]`` to the same shape."""
        batch, ar, hidden = x.shape
        squares = (x * x).view(batch, ar, 1, hidden)
        mean = squares.mean((2, 3), keepdim=True).view(batch, ar, 1)
        return x * torch.rsqrt(mean + self.eps) * self.weight


def with_pooled_norms(module: nn.Module) -> nn.Module:
    """Replace every norm of a decoder."""
    for name, layer in list(module.named_modules()):
        if isinstance(layer, nn.RMSNorm):
            owner, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(owner), attribute, PooledRmsNorm(layer))
    return module

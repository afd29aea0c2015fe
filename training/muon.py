"""Muon optimizer in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalized, for the matrices of linear layers.

    Same arithmetic as ``torch.optim.Muon`` with ``match_rms_adamw``, which iterates in bfloat16
    and so takes four times as long on CPUs without bfloat16 units.
    Source: K. Jordan, "Muon: an optimizer for hidden layers in neural networks" (2024).
    """

    def __init__(
        self, matrices: Iterable[Tensor], lr: float, weight_decay: float, momentum: float = 0.95
    ) -> None:
        """Take ``matrices`` of two dimensions each; ``lr`` is on AdamW's scale."""
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update all matrices that have a gradient.

        Raises:
            ValueError: If a closure is given.
        """
        if closure is not None:
            raise ValueError("this optimizer evaluates no closure")
        for group in self.param_groups:
            for matrix in group["params"]:
                self._update(matrix, group)
        return None

    def _update(self, matrix: Tensor, group: dict[str, Any]) -> None:
        gradient, momentum = matrix.grad, group["momentum"]
        if gradient is None:
            return
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        direction = orthogonalize(gradient.lerp(average, momentum))
        like_adamw = 0.2 * max(matrix.shape) ** 0.5
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        matrix.add_(direction, alpha=-group["lr"] * like_adamw)


def orthogonalize(matrix: Tensor) -> Tensor:
    """The orthogonal matrix nearest to ``matrix``, roughly: singular values near 1.

    Five steps of a quintic Newton-Schulz iteration, on the shorter side.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    result = matrix.T if tall else matrix
    result = result / result.norm().clamp(min=_TINY)
    linear, cubic, quintic = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        square = result @ result.T
        mixed = torch.addmm(square, square, square, beta=cubic, alpha=quintic)
        result = torch.addmm(result, mixed, result, beta=linear)
    return result.T if tall else result

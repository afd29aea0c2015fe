"""The int4 decoder of ``8da4w``: simulated during training, applied for measuring."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torchao.quantization import quantize_
from torchao.quantization.qat import QATConfig

from harness.backends.weight_recipe import WeightRecipe
from harness.backends.xnnpack import config_8da4w
from harness.checkpoint.checkpoint import place_weight
from harness.export.worker.linear_weights import quantize_linears
from harness.vlm.spec import VlmFamily


def decoder_linears(family: VlmFamily) -> Callable[[nn.Module, str], bool]:
    """A filter of a model's modules for the matrices of its text decoder, the head included."""

    def is_decoder_linear(module: nn.Module, name: str) -> bool:
        if not isinstance(module, nn.Linear):
            return False
        place = place_weight(family, f"{name}.weight")
        return place is not None and place[0] == "text_decoder"

    return is_decoder_linear


def simulate_8da4w(model: nn.Module, family: VlmFamily) -> None:
    """Make the decoder's matrices behave as if quantized, with straight-through gradients.

    In place; parameters and the keys of ``state_dict`` stay what they are.
    Source: ``torchao.quantization.qat``.
    """
    config = QATConfig(config_8da4w(), step="prepare")
    quantize_(model, config, filter_fn=decoder_linears(family))


def quantize_8da4w(model: nn.Module, family: VlmFamily) -> None:
    """Quantize the decoder's matrices in place, as an export does by default."""
    quantize_linears(model, "8da4w", WeightRecipe(), is_meant=decoder_linears(family))

"""The int4 decoder of ``8da4w``: simulated during training, applied for measuring."""

from __future__ import annotations

from torch import nn
from torchao.quantization import quantize_
from torchao.quantization.qat import QATConfig

from harness.backends.xnnpack import config_8da4w

_DECODER_PREFIXES = ("model.text_model.", "model.language_model.", "lm_head")


def is_decoder_linear(module: nn.Module, name: str) -> bool:
    """Whether a module of an Idefics3 or InternVL model is a matrix of the text decoder."""
    return isinstance(module, nn.Linear) and name.startswith(_DECODER_PREFIXES)


def decoder_weights(model: nn.Module) -> int:
    """Number of weights in the text decoder's matrices, the head included."""
    return sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and is_decoder_linear(module, name)
    )


def simulate_8da4w(model: nn.Module) -> None:
    """Make the decoder's matrices behave as if quantized, with straight-through gradients.

    In place; parameters and the keys of ``state_dict`` stay what they are.
    Source: ``torchao.quantization.qat``.
    """
    quantize_(model, QATConfig(config_8da4w(), step="prepare"), filter_fn=is_decoder_linear)


def quantize_8da4w(model: nn.Module) -> None:
    """Quantize the decoder's matrices in place: int4 weights, int8 activations per token."""
    quantize_(model, config_8da4w(), filter_fn=is_decoder_linear)

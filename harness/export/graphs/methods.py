"""Methods of a component's file: those that compute, with inputs to trace them, and constants."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.inputs.build_config import BuildConfig
from harness.vlm.spec import VlmSpec


def method_inputs(
    spec: VlmSpec, config: BuildConfig, module: nn.Module
) -> dict[str, tuple[Tensor, ...]]:
    """Names and example inputs of a component's methods (contract §1.2, §2.2, §3)."""
    if config.component == "vision_encoder":
        side = spec.vision.image_size_px
        return {"forward": (torch.zeros(1, 3, side, side),)}
    autoregression = {"kv_forward": config.decode_ar}
    if config.prefill_ar is not None:
        autoregression["prefill_forward"] = config.prefill_ar
    if isinstance(module, StaticDecoder):
        return {name: module.example_inputs(ar) for name, ar in autoregression.items()}
    return {
        f"tok_embedding_{name}": (torch.zeros(1, ar, dtype=torch.int32),)
        for name, ar in autoregression.items()
    }


def decoder_constants(spec: VlmSpec, config: BuildConfig) -> dict[str, int | bool]:
    """Constant methods of a text decoder, which runner and host tools read (contract §2.6).

    ``get_kv_io_bit_width`` is 32 where the cache is float32. The BOS and EOS constants are
    upstream's, which no runner uses for these models.
    """
    text = spec.text
    assert config.context_length is not None
    assert config.image_token_id is not None
    return {
        "get_n_layers": text.layers,
        "get_ar_len": config.decode_ar,
        "get_max_seq_len": config.context_length,
        "get_max_context_len": config.context_length,
        "get_vocab_size": text.vocab_size,
        "get_dim": text.hidden_size,
        "get_head_dim": text.head_dim,
        "get_n_kv_heads": text.kv_heads,
        "get_max_batch_size": 1,
        "get_bos_id": 1,
        "get_eos_id": 2,
        "get_n_bos": 1,
        "get_n_eos": 1,
        "get_use_kv_cache": True,
        "get_kv_io_bit_width": 32 if config.htp is None else config.htp.kv_bits,
        "image_token_id": config.image_token_id,
    }

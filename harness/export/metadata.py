"""Constant methods of a text decoder (contract §2.6)."""

from __future__ import annotations

from harness.export.component_key import BuildConfig
from harness.vlm.spec import VlmSpec


def decoder_constants(spec: VlmSpec, order: BuildConfig) -> dict[str, int | bool]:
    """Metadata that upstream's runner and host tools read out of the file.

    ``get_kv_io_bit_width`` is 32 where the cache is float32. The BOS and EOS constants are
    upstream's, which no runner uses for these models.
    """
    text = spec.text
    assert order.context_length is not None
    assert order.image_token_id is not None
    return {
        "get_n_layers": text.layers,
        "get_ar_len": order.decode_ar,
        "get_max_seq_len": order.context_length,
        "get_max_context_len": order.context_length,
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
        "get_kv_io_bit_width": 32 if order.htp is None else order.htp.kv_bits,
        "image_token_id": order.image_token_id,
    }

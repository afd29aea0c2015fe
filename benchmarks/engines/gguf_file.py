"""The language model of a checkpoint as GGUF, for llama.cpp.

Names come from the package ``gguf``. Without a tokenizer: llama.cpp gets the ids that our runner
makes of the prompt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf

from benchmarks.engines.language import Language, paired_rows
from harness.vlm.spec import TextGeometry

_SUFFIXES = (".weight", ".bias")


def architecture(text: TextGeometry) -> Any:
    """The architecture of llama.cpp: of decoders with biases Qwen2, of others Llama."""
    return gguf.MODEL_ARCH.QWEN2 if text.qkv_bias else gguf.MODEL_ARCH.LLAMA


def write_gguf(language: Language, path: Path, context_length: int) -> None:
    """Write a float32 GGUF, which llama.cpp's own quantizer reads."""
    text = language.text
    kind = architecture(text)
    names = gguf.get_tensor_name_map(kind, text.layers)
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[kind])
    writer.add_context_length(context_length)
    writer.add_embedding_length(text.hidden_size)
    writer.add_block_count(text.layers)
    writer.add_feed_forward_length(text.intermediate_size)
    writer.add_head_count(text.heads)
    writer.add_head_count_kv(text.kv_heads)
    writer.add_key_length(text.head_dim)
    writer.add_value_length(text.head_dim)
    writer.add_rope_dimension_count(text.head_dim)
    writer.add_rope_freq_base(text.rope_theta)
    writer.add_layer_norm_rms_eps(text.rms_norm_eps)
    writer.add_vocab_size(text.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("no_vocab")
    for name, weight in language.weights.items():
        renamed = names.get_name(name, try_suffixes=_SUFFIXES)
        assert renamed is not None, name
        writer.add_tensor(renamed, paired_rows(name, weight, text).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_bytes(path: Path) -> int:
    """Bytes of a GGUF that a decode step reads: all tensors but the rows of the embedding."""
    tensors = gguf.GGUFReader(path).tensors
    return int(sum(one.n_bytes for one in tensors if one.name != "token_embd.weight"))

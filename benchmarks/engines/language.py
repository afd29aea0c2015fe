"""The language model of a checkpoint, apart from its vision encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.checkpoint.checkpoint import open_checkpoint
from harness.measure.roofline import bytes_per_token
from harness.vlm.registry import get_spec_or_family
from harness.vlm.spec import TextGeometry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Language:
    """Weights as float32 under the names of ``transformers``' Llama and Qwen2.

    Attributes:
        text: Geometry.
        weights: ``model.embed_tokens.weight``, ``model.layers.0. ...``, ``model.norm.weight`` and
            ``lm_head.weight``, a tied head included.
    """

    text: TextGeometry
    weights: Mapping[str, Tensor]


def read_language(checkpoint: Path, model: str) -> Language:
    """Read decoder, head and embedding of a checkpoint.

    Raises:
        UserError: As ``open_checkpoint``.
    """
    opened = open_checkpoint(checkpoint, get_spec_or_family(model))
    decoder = opened.component_weights("text_decoder")
    table = opened.component_weights("token_embedding")["embedding.weight"]
    return Language(
        opened.spec.text,
        {
            "model.embed_tokens.weight": table.float(),
            **{language_name(name): weight.float() for name, weight in decoder.items()},
        },
    )


def read_geometry(checkpoint: Path | None, model: str) -> TextGeometry:
    """Of a checkpoint's decoder; of the model by that name where there is no checkpoint."""
    spec = get_spec_or_family(model)
    return spec.text if checkpoint is None else open_checkpoint(checkpoint, spec).spec.text


def language_name(name: str) -> str:
    """What a tensor of our decoder is called in a causal language model of ``transformers``."""
    return name if name.startswith("lm_head.") else f"model.{name}"


_META = {
    "model.embed_tokens": "tok_embeddings",
    "model.norm": "norm",
    "lm_head": "output",
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3",
}
"""Modules by their names in Meta's checkpoints, which ExecuTorch's exporter reads."""


def meta_name(name: str) -> str:
    """What a tensor of :class:`Language` is called in a checkpoint of Meta's."""
    module, _, kind = name.rpartition(".")
    layer = re.match(r"model\.(layers\.\d+\.)", module)
    place = "" if layer is None else layer[1]
    return f"{place}{_META[module.removeprefix(f'model.{place}' if place else '')]}.{kind}"


class CacheShape(Protocol):
    """What of a decoder's geometry decides the size of its cache."""

    @property
    def layers(self) -> int:
        """Each with K and V of its own."""

    @property
    def kv_heads(self) -> int:
        """Heads of K and V."""

    @property
    def head_dim(self) -> int:
        """Numbers per head and position."""


def cache_bytes(shape: CacheShape, positions: int, width_bytes: int) -> int:
    """K and V of all layers at so many positions."""
    return 2 * shape.layers * shape.kv_heads * shape.head_dim * positions * width_bytes


def traffic(shape: CacheShape, weight_bytes: int, positions: int, width_bytes: int) -> int:
    """Bytes that a decode step reads at least: weights of the decoder and its cache."""
    return bytes_per_token(weight_bytes, cache_bytes(shape, positions, width_bytes))


def paired_rows(name: str, weight: Tensor, text: TextGeometry) -> Tensor:
    """A tensor as llama.cpp takes it: rows of Llama's queries and keys lie in pairs.

    ``transformers`` turns the first half of a head against the second, llama.cpp's Llama turns
    neighbours, and its Qwen2 halves as well. See ``LlamaModel.permute`` of its converter.

    Args:
        name: As in :class:`Language`.
        weight: ``[rows, hidden]``.
        text: Geometry of the model; the decoder with biases is Qwen2's.
    """
    if text.qkv_bias or not name.endswith(("q_proj.weight", "k_proj.weight")):
        return weight
    heads = text.heads if name.endswith("q_proj.weight") else text.kv_heads
    halves = weight.reshape(heads, 2, text.head_dim // 2, -1)
    return halves.transpose(1, 2).reshape(weight.shape).contiguous()

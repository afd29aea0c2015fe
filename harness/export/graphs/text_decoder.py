"""Text decoder with a cache that lives outside the graph (contract §2).

Parameter names are those of ``transformers``' Llama and Qwen2 without their prefix, so that a
checkpoint loads with ``strict=True`` and no weight can be forgotten.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from harness.export.graphs.untouched_zeros import untouched_zeros
from harness.vlm.spec import TextGeometry

MASKED_FLOAT = -65535.0
"""Float code of a masked position (contract §2.3)."""

HEAD = "lm_head"
"""Path of the linear that makes logits in a :class:`StaticDecoder`."""

CACHE_STEP = 64
"""Columns of which a graph that takes short caches takes any multiple. The more, the seldomer a
runner lays its cache out anew, and the more columns are read that hold nothing."""


class StaticAttention(nn.Module):
    """Grouped-query attention over past columns from outside and the new ones.

    It is written for XNNPACK: one delegate takes all of it, whatever the number of past columns.
    That needs tensors of rank 3 in products, and no slice of what has that number.

    K is kept as ``[1, kv_heads, head_dim, time]``, V as ``[1, kv_heads, time, head_dim]``.

    Attributes:
        masked: Value of a masked position in the float mask.
        turn: An orthogonal map of queries and keys behind their positions, ``[1, heads, AR,
            head_dim]``, which leaves their products as they are.
    """

    masked: float = MASKED_FLOAT

    def __init__(self, geometry: TextGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        hidden, head_dim = geometry.hidden_size, geometry.head_dim
        bias = geometry.qkv_bias
        self.q_proj = nn.Linear(hidden, geometry.heads * head_dim, bias=bias)
        self.k_proj = nn.Linear(hidden, geometry.kv_heads * head_dim, bias=bias)
        self.v_proj = nn.Linear(hidden, geometry.kv_heads * head_dim, bias=bias)
        self.o_proj = nn.Linear(geometry.heads * head_dim, hidden, bias=False)
        self.turn: nn.Module = nn.Identity()

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor, k_cache: Tensor, v_cache: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Attend from the new tokens; see the class for cache layouts.

        Returns:
            Attention output ``[1, AR, hidden]`` and the AR new columns of K and V.
        """
        q, k, v = self.project(x, cos, sin)
        attended = self.attend(q, (k_cache, k), (v_cache, v), mask)
        return self.o_proj(self.merge(attended)), k, v

    def project(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries ``[1, heads, AR, head_dim]`` and keys at their positions, and values.

        Keys and values have the cache's layouts.
        """
        shape = (1, x.shape[1], -1, self.geometry.head_dim)
        q = self.turn(self.rotate(self.q_proj(x).view(shape).transpose(1, 2), cos, sin))
        k = self.turn(self.rotate(self.k_proj(x).view(shape).transpose(1, 2), cos, sin))
        return q, k.transpose(2, 3), self.v_proj(x).view(shape).transpose(1, 2)

    def merge(self, attended: Tensor) -> Tensor:
        """Heads of each token behind each other, ``[1, AR, heads * head_dim]``."""
        return attended.transpose(1, 2).reshape(1, attended.shape[2], -1)

    def softmax(self, scores: Tensor) -> Tensor:
        """Weights of each row of masked scores."""
        return torch.softmax(scores, dim=-1)

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Rotary embedding, first half real and second half imaginary (contract §2.4)."""
        real, imaginary = self.halves(x)
        return torch.cat([real * cos - imaginary * sin, real * sin + imaginary * cos], dim=-1)

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both halves of the last dimension, as slices: XNNPACK takes no splits."""
        half = x.shape[-1] // 2
        return x[..., :half], x[..., half:]

    def attend(
        self, q: Tensor, keys: tuple[Tensor, Tensor], values: tuple[Tensor, Tensor], mask: Tensor
    ) -> Tensor:
        """Mix values by the softmax of masked scores.

        Query heads that share one K and V head become rows of one product: nothing is repeated.
        Past and new keys are scored apart: scores are fewer than keys to put behind each other.

        Args:
            q: ``[1, heads, AR, head_dim]``.
            keys: Past and new, ``[1, kv_heads, head_dim, columns]`` each.
            values: Past and new, ``[1, kv_heads, columns, head_dim]`` each.
            mask: ``[1, 1, AR, past and new columns]``.

        Returns:
            ``[1, heads, AR, head_dim]``.
        """
        geometry, ar = self.geometry, q.shape[2]
        kv_heads, head_dim = geometry.kv_heads, geometry.head_dim
        rows = geometry.heads // kv_heads * ar
        grouped = (q / math.sqrt(head_dim)).view(kv_heads, rows, head_dim)
        past, new = (torch.bmm(grouped, k.view(kv_heads, head_dim, -1)) for k in keys)
        scores = torch.cat([past, new], dim=-1).view(1, geometry.heads, ar, -1)
        weights = self.softmax(scores + mask).view(kv_heads, rows, -1)
        mixed = torch.cat([v.view(kv_heads, -1, head_dim) for v in values], dim=1)
        return torch.bmm(weights, mixed).view(1, geometry.heads, ar, head_dim)


class StaticDecoderLayer(nn.Module):
    """Pre-norm decoder layer of Llama and Qwen2."""

    def __init__(self, geometry: TextGeometry, attention: type[StaticAttention]) -> None:
        super().__init__()
        hidden, eps = geometry.hidden_size, geometry.rms_norm_eps
        self.input_layernorm = nn.RMSNorm(hidden, eps=eps)
        self.self_attn = attention(geometry)
        self.post_attention_layernorm = nn.RMSNorm(hidden, eps=eps)
        self.mlp = GatedMlp(hidden, geometry.intermediate_size)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor, k_cache: Tensor, v_cache: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states ``[1, AR, hidden]`` in and out, with the new columns of K and V."""
        attended, k, v = self.self_attn(self.input_layernorm(x), cos, sin, mask, k_cache, v_cache)
        x = x + attended
        return x + self.mlp(self.post_attention_layernorm(x)), k, v


class GatedMlp(nn.Module):
    """SiLU-gated feed-forward block."""

    def __init__(self, hidden_size: int, intermediate_size: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(hidden_size, intermediate_size, bias=False)
        self.up_proj = nn.Linear(hidden_size, intermediate_size, bias=False)
        self.down_proj = nn.Linear(intermediate_size, hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, AR, hidden]`` to the same shape."""
        down: Tensor = self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return down


class StaticDecoder(nn.Module):
    """Merged embeddings to logits, one call per AR tokens.

    The same weights serve every AR; AR and cache length are read from the inputs' shapes.

    Args:
        geometry: Of the checkpoint.
        context_length: Slots of the cache and the AR new tokens together.
        attention: How the backend wants attention to be written.

    Attributes:
        entry: A map of what enters the layers, ``[1, AR, hidden]``.
    """

    cos: Tensor
    sin: Tensor

    def __init__(
        self,
        geometry: TextGeometry,
        context_length: int,
        attention: type[StaticAttention] = StaticAttention,
    ) -> None:
        super().__init__()
        self.geometry = geometry
        self.context_length = context_length
        self.masked = attention.masked
        self.entry: nn.Module = nn.Identity()
        self.layers = nn.ModuleList(
            StaticDecoderLayer(geometry, attention) for _ in range(geometry.layers)
        )
        self.norm = nn.RMSNorm(geometry.hidden_size, eps=geometry.rms_norm_eps)
        self.lm_head = nn.Linear(geometry.hidden_size, geometry.vocab_size, bias=False)
        cos, sin = rotary_tables(geometry, context_length)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor, position_ids: Tensor, *caches: Tensor
    ) -> tuple[Tensor, ...]:
        """Run AR tokens (contract §2.2).

        Args:
            hidden_states: float32 ``[1, AR, hidden]``.
            attention_mask: ``[1, 1, AR, context]``, 0 to attend and the attention's ``masked`` to
                mask.
            position_ids: int32 ``[1, AR]``.
            caches: K of every layer, then V of every layer, ``context - AR`` columns each.

        Returns:
            Logits ``[1, AR, vocabulary]``, then the AR new columns of every K, then of every V.
        """
        cos, sin = self.cos[position_ids[0]], self.sin[position_ids[0]]
        layers = len(self.layers)
        x, new_keys, new_values = self.entry(hidden_states), [], []
        for index, layer in enumerate(self.layers):
            x, k, v = layer(x, cos, sin, attention_mask, caches[index], caches[layers + index])
            new_keys.append(k)
            new_values.append(v)
        return (self.lm_head(self.norm(x)), *new_keys, *new_values)

    def example_inputs(self, ar: int) -> tuple[Tensor, ...]:
        """Inputs of the shapes that a method with this AR has, on an empty cache."""
        geometry, past = self.geometry, self.context_length - ar
        mask = torch.full((1, 1, ar, self.context_length), self.masked)
        mask[0, 0, :, past:] = torch.triu(torch.full((ar, ar), self.masked), diagonal=1)
        keys = (1, geometry.kv_heads, geometry.head_dim, past)
        values = (1, geometry.kv_heads, past, geometry.head_dim)
        return (
            torch.zeros(1, ar, geometry.hidden_size),
            mask,
            torch.arange(ar, dtype=torch.int32)[None],
            *[untouched_zeros(*keys) for _ in range(geometry.layers)],
            *[untouched_zeros(*values) for _ in range(geometry.layers)],
        )


def short_caches(layers: int, slots: int, ar: int) -> tuple[object, ...]:
    """Extents of a decoder's inputs that a graph leaves open: of caches and the mask over them.

    Args:
        layers: Of the decoder.
        slots: Columns of a whole cache, more than ``CACHE_STEP``.
        ar: Tokens per call.
    """
    past = torch.export.Dim("past", min=CACHE_STEP, max=slots)
    return {}, {3: past + ar}, {}, ({3: past},) * layers + ({2: past},) * layers


def rotary_tables(geometry: TextGeometry, context_length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine per position, ``[context, head_dim / 2]`` each (contract §2.4)."""
    # Also where a module is built without memory for its weights.
    with torch.device("cpu"):
        exponents = torch.arange(0, geometry.head_dim, 2, dtype=torch.int64).float()
        inverse_frequency = 1.0 / (geometry.rope_theta ** (exponents / geometry.head_dim))
        angles = torch.outer(torch.arange(context_length).float(), inverse_frequency)
    return angles.cos(), angles.sin()

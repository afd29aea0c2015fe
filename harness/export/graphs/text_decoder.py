"""Text decoder with a cache that lives outside the graph (contract §2).

Parameter names are those of ``transformers``' Llama and Qwen2 without their prefix, so that a
checkpoint loads with ``strict=True`` and no weight can be forgotten.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from harness.vlm.spec import TextGeometry

MASKED_FLOAT = -65535.0
"""Float code of a masked position (contract §2.3)."""

HEAD = "lm_head"
"""Path of the linear that makes logits in a :class:`StaticDecoder`."""


class StaticAttention(nn.Module):
    """Grouped-query attention over past columns from outside and the new ones.

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
        geometry, ar = self.geometry, x.shape[1]
        shape = (1, ar, -1, geometry.head_dim)
        q = self.turn(rotate(self.q_proj(x).view(shape).transpose(1, 2), cos, sin))
        k = self.turn(rotate(self.k_proj(x).view(shape).transpose(1, 2), cos, sin))
        k = k.transpose(2, 3)
        v = self.v_proj(x).view(shape).transpose(1, 2)
        keys, values = torch.cat([k_cache, k], dim=-1), torch.cat([v_cache, v], dim=2)
        attended = self.attend(q, keys, values, mask)
        return self.o_proj(attended.transpose(1, 2).reshape(1, ar, -1)), k, v

    def attend(self, q: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Mix values by the softmax of masked scores.

        Query heads that share one K and V head become rows of one product: nothing is repeated.

        Args:
            q: ``[1, heads, AR, head_dim]``.
            keys: ``[1, kv_heads, head_dim, context]``.
            values: ``[1, kv_heads, context, head_dim]``.
            mask: ``[1, 1, AR, context]``.

        Returns:
            ``[1, heads, AR, head_dim]``.
        """
        geometry, ar = self.geometry, q.shape[2]
        grouped = q.reshape(geometry.kv_heads, -1, geometry.head_dim)
        scores = torch.bmm(grouped, keys[0]) / math.sqrt(geometry.head_dim)
        weights = torch.softmax(scores.view(1, geometry.heads, ar, -1) + mask, dim=-1)
        attended = torch.bmm(weights.view(geometry.kv_heads, -1, weights.shape[-1]), values[0])
        return attended.view(1, geometry.heads, ar, geometry.head_dim)


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
        x, new_keys, new_values = hidden_states, [], []
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
        keys = torch.zeros(1, geometry.kv_heads, geometry.head_dim, past)
        values = torch.zeros(1, geometry.kv_heads, past, geometry.head_dim)
        return (
            torch.zeros(1, ar, geometry.hidden_size),
            mask,
            torch.arange(ar, dtype=torch.int32)[None],
            *[keys.clone() for _ in range(geometry.layers)],
            *[values.clone() for _ in range(geometry.layers)],
        )


def rotary_tables(geometry: TextGeometry, context_length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine per position, ``[context, head_dim / 2]`` each (contract §2.4)."""
    # Also where a module is built without memory for its weights.
    with torch.device("cpu"):
        exponents = torch.arange(0, geometry.head_dim, 2, dtype=torch.int64).float()
        inverse_frequency = 1.0 / (geometry.rope_theta ** (exponents / geometry.head_dim))
        angles = torch.outer(torch.arange(context_length).float(), inverse_frequency)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding, first half real and second half imaginary (contract §2.4)."""
    real, imaginary = x.chunk(2, dim=-1)
    return torch.cat([real * cos - imaginary * sin, real * sin + imaginary * cos], dim=-1)

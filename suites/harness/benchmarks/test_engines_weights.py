"""Other engines get the weights of the checkpoint, under their names and in their layouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from benchmarks.engines.language import (
    cache_bytes,
    language_name,
    meta_name,
    paired_rows,
    read_language,
    traffic,
)
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import known_miniatures
from harness.vlm.spec import TextGeometry

TEXT = TextGeometry(
    hidden_size=12,
    intermediate_size=16,
    layers=2,
    heads=4,
    kv_heads=2,
    head_dim=6,
    vocab_size=32,
    rope_theta=10_000.0,
    rms_norm_eps=1e-5,
    qkv_bias=False,
)


def turned_in_pairs(x: Tensor, angles: Tensor) -> Tensor:
    """Rotary positions of neighbours, as llama.cpp's Llama has them: ``[time, heads, dim]``."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def turned_in_halves(x: Tensor, angles: Tensor) -> Tensor:
    """The same as ``transformers`` has it."""
    both = torch.cat([angles, angles], dim=-1)
    heads_first = x.transpose(0, 1)[None]
    turned, _ = apply_rotary_pos_emb(heads_first, heads_first, both.cos()[None], both.sin()[None])
    states: Tensor = turned[0].transpose(0, 1)
    return states


def test_scores_of_paired_rows_are_those_of_halves() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(5, TEXT.hidden_size)
    query = torch.randn(TEXT.heads * TEXT.head_dim, TEXT.hidden_size)
    key = torch.randn(TEXT.kv_heads * TEXT.head_dim, TEXT.hidden_size)
    angles = torch.arange(5.0)[:, None] * torch.tensor([1.0, 0.3, 0.01])

    def scores(pairs: bool) -> Tensor:
        turned = []
        for name, weight, heads in (("q_proj", query, TEXT.heads), ("k_proj", key, TEXT.kv_heads)):
            layout = paired_rows(f"x.{name}.weight", weight, TEXT) if pairs else weight
            states = (hidden @ layout.T).view(5, heads, TEXT.head_dim)
            turn = turned_in_pairs if pairs else turned_in_halves
            turned.append(turn(states, angles))
        keys = turned[1].repeat_interleave(TEXT.heads // TEXT.kv_heads, dim=1)
        return torch.einsum("thd,shd->hts", turned[0], keys)

    torch.testing.assert_close(scores(pairs=True), scores(pairs=False))
    assert not torch.equal(paired_rows("q_proj.weight", query, TEXT), query)


@pytest.mark.parametrize("name", ["v_proj.weight", "o_proj.weight", "model.norm.weight"])
def test_other_weights_stay_as_they_are(name: str) -> None:
    weight = torch.randn(24, 12)
    assert paired_rows(name, weight, TEXT) is weight


def test_a_decoder_with_biases_is_qwen2_whose_halves_stay() -> None:
    weight = torch.randn(24, 12)
    assert paired_rows("q_proj.weight", weight, replace(TEXT, qkv_bias=True)) is weight


@pytest.mark.parametrize(
    ("ours", "transformers", "meta"),
    [
        ("layers.11.self_attn.q_proj.bias", "model.{}", "layers.11.attention.wq.bias"),
        ("layers.0.mlp.down_proj.weight", "model.{}", "layers.0.feed_forward.w2.weight"),
        ("layers.3.input_layernorm.weight", "model.{}", "layers.3.attention_norm.weight"),
        ("norm.weight", "model.{}", "norm.weight"),
        ("lm_head.weight", "{}", "output.weight"),
        ("embed_tokens.weight", "model.{}", "tok_embeddings.weight"),
    ],
)
def test_a_tensor_has_the_name_that_each_engine_asks_for(
    ours: str, transformers: str, meta: str
) -> None:
    name = language_name(ours)
    assert name == transformers.format(ours)
    assert meta_name(name) == meta


@pytest.mark.parametrize("model", [spec.name for spec in known_miniatures()])
def test_the_language_of_a_checkpoint_is_whole(model: str) -> None:
    language = read_language(checkpoint_path(model), model)
    per_layer = 12 if language.text.qkv_bias else 9
    assert len(language.weights) == 3 + per_layer * language.text.layers
    assert {weight.dtype for weight in language.weights.values()} == {torch.float32}


@pytest.mark.parametrize("model", [spec.name for spec in known_miniatures()])
def test_a_gguf_holds_every_tensor_of_a_checkpoint(model: str, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf", reason="pip install -e '.[engines]'")
    from benchmarks.engines.gguf_file import read_bytes, write_gguf

    language = read_language(checkpoint_path(model), model)
    path = tmp_path / "language.gguf"
    write_gguf(language, path, context_length=64)
    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    assert len(stored) == len(language.weights)
    values = torch.from_numpy(stored["blk.1.attn_q.weight"].data.copy())
    name = "model.layers.1.self_attn.q_proj.weight"
    torch.testing.assert_close(
        values, paired_rows(name, language.weights[name], language.text), rtol=0, atol=0
    )
    table = language.weights["model.embed_tokens.weight"]
    whole = sum(weight.nbytes for weight in language.weights.values())
    assert read_bytes(path) == whole - table.nbytes


def test_a_step_reads_the_weights_and_the_cache_as_far_as_it_is_used() -> None:
    per_position = 2 * 2 * 2 * 6
    assert cache_bytes(TEXT, 10, 2) == 10 * per_position * 2
    assert traffic(TEXT, 1000, 10, 2) == 1000 + 10 * per_position * 2

"""The static modules compute what ``transformers`` computes."""

from __future__ import annotations

import pytest
import torch

from harness.backends.weight_recipe import WeightRecipe
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.export.graphs.component import load_module
from harness.export.graphs.text_decoder import MASKED_FLOAT, StaticDecoder
from harness.export.graphs.token_embedding import Int4TokenEmbedding, Int8TokenEmbedding
from harness.export.worker.linear_weights import quantize_linears
from harness.vocabulary import Precision
from suites.harness.export.conftest import MakeCheckpoint, one_layer
from training.saving import load_model

CONTEXT = 24
TOLERANCE = 1e-5

pytestmark = pytest.mark.parametrize("family", ["smolvlm", "internvl3"])


def opened(family: str, make_checkpoint: MakeCheckpoint) -> Checkpoint:
    return open_checkpoint(make_checkpoint(family), one_layer(family))


def decoder_of(checkpoint: Checkpoint) -> StaticDecoder:
    module = load_module(checkpoint, "text_decoder", CONTEXT)
    assert isinstance(module, StaticDecoder)
    return module


@torch.no_grad()
def test_the_vision_encoder_gives_the_same_features(
    family: str, make_checkpoint: MakeCheckpoint
) -> None:
    checkpoint = opened(family, make_checkpoint)
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    reference = load_model(checkpoint.directory).model.get_image_features(
        pixels[None] if checkpoint.spec.family.has_image_axis else pixels
    )
    features = torch.cat(list(reference.pooler_output)).flatten(0, -2)
    ours = load_module(checkpoint, "vision_encoder", CONTEXT)(pixels)
    assert ours.shape == (1, 16, checkpoint.spec.text.hidden_size)
    torch.testing.assert_close(ours[0], features, atol=TOLERANCE, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("split", [1, 7, 16])
def test_chunks_through_a_cache_give_the_logits_of_the_whole(
    family: str, split: int, make_checkpoint: MakeCheckpoint
) -> None:
    """Tokens before the split go in one call, the others one by one, cache kept outside."""
    checkpoint = opened(family, make_checkpoint)
    decoder, text = decoder_of(checkpoint), checkpoint.spec.text
    ids = torch.randint(100, 400, (1, 20), generator=torch.Generator().manual_seed(2))
    float_model = load_model(checkpoint.directory)
    rows = float_model.get_input_embeddings()(ids)
    language_model = getattr(float_model.model, "text_model", None)
    language_model = language_model or float_model.model.language_model
    hidden = language_model(inputs_embeds=rows).last_hidden_state
    expected = float_model.lm_head(hidden)[0]

    keys = torch.zeros(1, text.kv_heads, text.head_dim, CONTEXT)
    values = torch.zeros(1, text.kv_heads, CONTEXT, text.head_dim)
    logits, past = [], 0
    for ar in [split] + [1] * (20 - split):
        mask = torch.full((1, 1, ar, CONTEXT), MASKED_FLOAT)
        mask[..., :past] = 0
        for row in range(ar):
            mask[0, 0, row, CONTEXT - ar : CONTEXT - ar + row + 1] = 0
        positions = torch.arange(past, past + ar, dtype=torch.int32)[None]
        slots = CONTEXT - ar
        output, k, v = decoder(
            rows[:, past : past + ar], mask, positions, keys[..., :slots], values[:, :, :slots]
        )
        keys[..., past : past + ar] = k
        values[:, :, past : past + ar] = v
        logits.append(output[0])
        past += ar
    torch.testing.assert_close(torch.cat(logits), expected, atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_an_int4_table_is_off_by_at_most_half_a_step(
    family: str, make_checkpoint: MakeCheckpoint
) -> None:
    table = opened(family, make_checkpoint).component_weights("token_embedding")["embedding.weight"]
    quantized = Int4TokenEmbedding(table)
    rows = quantized(torch.arange(table.shape[0], dtype=torch.int32)[None])[0]
    half_a_step = quantized.scales.repeat_interleave(32, dim=1) / 2
    assert ((rows - table).abs() <= half_a_step * 1.001).all()


@torch.no_grad()
@pytest.mark.parametrize(("precision", "most_noise"), [("8da8w", 0.001), ("8da4w", 0.05)])
def test_quantized_linears_keep_most_of_the_signal(
    family: str, precision: Precision, most_noise: float, make_checkpoint: MakeCheckpoint
) -> None:
    checkpoint = opened(family, make_checkpoint)
    inputs = list(decoder_of(checkpoint).example_inputs(4))
    inputs[0] = torch.randn(inputs[0].shape, generator=torch.Generator().manual_seed(3))
    exact = decoder_of(checkpoint)(*inputs)[0]
    quantized = decoder_of(checkpoint)
    quantize_linears(quantized, precision, WeightRecipe())
    noise = quantized(*inputs)[0] - exact
    assert 0 < noise.square().mean() < most_noise * exact.square().mean()


@torch.no_grad()
def test_rows_of_a_quantized_table_are_those_of_a_head_tied_to_it(
    family: str, make_checkpoint: MakeCheckpoint
) -> None:
    """One table of int8 codes would do for both."""
    decoder = decoder_of(opened(family, make_checkpoint))
    table = Int8TokenEmbedding(decoder.lm_head.weight.detach().clone())
    quantize_linears(decoder, "8da4w", WeightRecipe())
    head = decoder.lm_head.weight
    assert torch.equal(head.qdata, table.codes)
    torch.testing.assert_close(head.scale[:, 0], table.scales, rtol=0, atol=0)

"""What a checkpoint leaves out is what ``transformers`` takes; all that is missing is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.checkpoint.checkpoint import open_checkpoint, tied_embeddings
from harness.errors import UserError
from harness.export.graphs.component import check_weights
from harness.vlm.registry import get_spec, known_miniatures
from harness.vlm.spec import VlmSpec
from suites.harness.checkpoint.conftest import MakeCopy, edit

HEADS = {"tiny_smolvlm": "lm_head.weight", "tiny_internvl3": "language_model.lm_head.weight"}
TABLES = {
    "tiny_smolvlm": "model.text_model.embed_tokens.weight",
    "tiny_internvl3": "language_model.model.embed_tokens.weight",
}


def rewrite(folder: Path, changes: dict[str, torch.Tensor | None]) -> None:
    """Replace or remove stored weights."""
    weights = load_file(folder / "model.safetensors") | changes
    kept = {key: value for key, value in weights.items() if value is not None}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("spec", known_miniatures(), ids=lambda spec: spec.name)
@pytest.mark.parametrize("stated", [None, False, True])
def test_ties_are_those_of_the_class(spec: VlmSpec, stated: bool | None) -> None:
    from transformers import AutoConfig

    config: dict[str, Any] = {} if stated is None else {"tie_word_embeddings": stated}
    theirs = AutoConfig.for_model(spec.family.model_type, **config)
    assert tied_embeddings(spec.family, config) == theirs.tie_word_embeddings


@pytest.mark.parametrize("gone", [HEADS, TABLES], ids=["head", "table"])
def test_tied_weights_stand_in_for_each_other(copied: MakeCopy, gone: dict[str, str]) -> None:
    model = "tiny_internvl3"
    folder = copied(model)
    rewrite(folder, {gone[model]: None})
    edit(folder / "config.json", {"tie_word_embeddings": ...})
    checkpoint = open_checkpoint(folder, get_spec(model))
    check_weights(checkpoint)
    table = checkpoint.component_weights("token_embedding")["embedding.weight"]
    assert torch.equal(checkpoint.component_weights("text_decoder")["lm_head.weight"], table)


def test_a_head_beside_a_tie_is_kept(copied: MakeCopy) -> None:
    """``transformers`` does not tie weights that differ, whatever the configuration says."""
    folder = copied("tiny_internvl3")
    before = open_checkpoint(folder, get_spec("tiny_internvl3")).component_sha256("text_decoder")
    edit(folder / "config.json", {"tie_word_embeddings": True})
    after = open_checkpoint(folder, get_spec("tiny_internvl3"))
    assert after.component_sha256("text_decoder") == before


def test_a_decoders_tie_below_the_top_is_none(copied: MakeCopy) -> None:
    folder = copied()
    rewrite(folder, {HEADS["tiny_smolvlm"]: None})
    tie = {"tie_word_embeddings": ..., "text_config.tie_word_embeddings": True}
    edit(folder / "config.json", tie)
    with pytest.raises(UserError, match=r"its text_decoder lacks lm_head\.weight"):
        check_weights(open_checkpoint(folder, get_spec("tiny_smolvlm")))


def test_an_architecture_that_is_left_out_is_told_by_the_model_type(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / "config.json", {"architectures": ...})
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))
    edit(folder / "config.json", {"model_type": ...})
    with pytest.raises(UserError, match="needs Idefics3ForConditionalGeneration"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize("stated", [64, None, ...])
def test_positions_are_those_of_the_configuration_or_its_class(
    copied: MakeCopy, stated: object
) -> None:
    folder = copied()
    edit(folder / "config.json", {"text_config.max_position_embeddings": stated})
    found = open_checkpoint(folder, get_spec("tiny_smolvlm")).spec.max_positions
    assert found == (2048 if stated is ... else stated)


def test_all_that_does_not_fit_is_in_one_sentence(copied: MakeCopy) -> None:
    folder = copied()
    rewrite(
        folder,
        {
            "model.text_model.norm.weight": None,
            "model.text_model.layers.0.self_attn.q_proj.weight": torch.zeros(2, 3),
            "model.text_model.layers.9.self_attn.q_proj.weight": torch.zeros(2, 2),
            "model.vision_model.post_layernorm.bias": None,
            "model.connector.extra.weight": torch.zeros(1),
            TABLES["tiny_smolvlm"]: torch.zeros(512, 95),
        },
    )
    with pytest.raises(UserError) as caught:
        check_weights(open_checkpoint(folder, get_spec("tiny_smolvlm")))
    for part in (
        "its vision_encoder lacks vision_model.post_layernorm.bias;",
        "its vision_encoder has no use for model.connector.extra.weight;",
        f"its token_embedding has {TABLES['tiny_smolvlm']} of [512, 95] instead of [512, 96];",
        "its text_decoder lacks norm.weight;",
        "its text_decoder has no use for model.text_model.layers.9.self_attn.q_proj.weight;",
        "its text_decoder has model.text_model.layers.0.self_attn.q_proj.weight of [2, 3] instead",
    ):
        assert part in str(caught.value)


def test_all_weights_that_nothing_uses_are_named_together(copied: MakeCopy) -> None:
    folder = copied()
    rewrite(folder, {f"model.stranger.{number}": torch.zeros(1) for number in range(7)})
    with pytest.raises(UserError, match=r"7 weights that no .*stranger\.4 and 2 more"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_frequencies_that_old_checkpoints_hold_are_passed_over(copied: MakeCopy) -> None:
    folder = copied()
    key = "model.text_model.layers.0.self_attn.rotary_emb.inv_freq"
    rewrite(folder, {key: torch.zeros(12)})
    check_weights(open_checkpoint(folder, get_spec("tiny_smolvlm")))


def test_codes_of_a_quantized_checkpoint_are_no_weights(copied: MakeCopy) -> None:
    folder = copied()
    rewrite(folder, {TABLES["tiny_smolvlm"]: torch.zeros(512, 96, dtype=torch.int8)})
    with pytest.raises(UserError, match="as I8, and exports start from"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))
    edit(folder / "config.json", {"quantization_config": {"quant_method": "bitsandbytes"}})
    with pytest.raises(UserError, match="has a quantization_config"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize("with_model", [False, True])
def test_an_adapter_is_no_checkpoint(copied: MakeCopy, with_model: bool) -> None:
    folder = copied()
    (folder / "adapter_config.json").write_text("{}")
    if not with_model:
        (folder / "config.json").unlink()
    with pytest.raises(UserError, match=r"adapter.*merge_and_unload"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_a_weight_under_two_names_needs_one_value(copied: MakeCopy) -> None:
    folder = copied("tiny_internvl3")
    twin = "model.language_model.embed_tokens.weight"
    rewrite(folder, {twin: torch.ones(512, 96)})
    with pytest.raises(UserError, match="one weight of the token_embedding, with different"):
        open_checkpoint(folder, get_spec("tiny_internvl3"))

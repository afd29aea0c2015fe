"""Three files are run only if they fit each other and the mode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.artifacts.artifact import Artifact
from harness.errors import UserError
from harness.runtime.components import Components, load_components
from harness.runtime.model_description import Programs
from harness.vlm.mode import LookaheadShape
from harness.vocabulary import Mode
from suites.harness.runtime.handmade_program import (
    Interface,
    save_decoder,
    save_token_id_decoder,
)

ONE_LAYER = {"get_n_layers": 1}


def load(artifact: Artifact, mode: Mode = "hybrid", **paths: Path) -> Components:
    """Load an artifact, with some of its files replaced."""
    return load_components(open_programs(artifact, **paths), mode)


def open_programs(artifact: Artifact, **paths: Path) -> Programs:
    return Programs.read(
        paths.get("encoder", artifact.path("vision_encoder")),
        paths.get("embedding", artifact.path("token_embedding")),
        paths.get("decoder", artifact.path("text_decoder")),
    )


def fitting(kv_dtype: torch.dtype) -> Interface:
    """A decoder of one layer that fits the artifact's other files."""
    return Interface(context_length=256, hidden_size=96, vocab_size=6, kv_dtype=kv_dtype)


def test_geometry_is_read_from_tensors(artifact: Artifact) -> None:
    geometry = load(artifact).description.geometry
    assert (geometry.layers, geometry.kv_heads, geometry.head_dim) == (3, 2, 24)
    assert (geometry.hidden_size, geometry.vocab_size, geometry.context_length) == (96, 512, 256)
    assert (geometry.decode_ar, geometry.prefill_ar) == (1, 16)
    assert {geometry.kv_dtype, geometry.mask_dtype, geometry.logits_dtype} == {"float32"}


def test_kv_mode_uses_the_decode_methods_of_a_hybrid_file(artifact: Artifact) -> None:
    components = load(artifact, "kv")
    assert components.prefill is components.decode
    assert components.embed_prefill is components.embed_decode
    assert components.description.geometry.prefill_ar == 1


def test_swapped_files_are_told_by_the_method_they_lack(artifact: Artifact) -> None:
    encoder, embedding = artifact.path("vision_encoder"), artifact.path("token_embedding")
    with pytest.raises(
        UserError, match=r"vision_encoder.* has no method kv_forward, it has forward"
    ):
        load(artifact, decoder=encoder)
    with pytest.raises(UserError, match=r"tok_embedding.* has no method forward"):
        load(artifact, encoder=embedding)


def test_hybrid_mode_on_a_kv_file_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    path = save_decoder(tmp_path / "kv.pte", {"kv_forward": Interface()}, ONE_LAYER)
    with pytest.raises(UserError, match=r"kv\.pte has no method prefill_forward.*--eval_mode 0"):
        load(artifact, decoder=path)


def test_the_layer_count_is_required(artifact: Artifact, tmp_path: Path) -> None:
    path = save_decoder(tmp_path / "kv.pte", {"kv_forward": Interface()}, {"get_dim": 6})
    with pytest.raises(UserError, match=r"kv\.pte has no method get_n_layers"):
        load(artifact, "kv", decoder=path)


def test_a_wrong_layer_count_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    path = save_decoder(tmp_path / "kv.pte", {"kv_forward": Interface()}, {"get_n_layers": 3})
    with pytest.raises(UserError, match="has 5 inputs and 3 outputs, but get_n_layers 3 makes 9"):
        load(artifact, "kv", decoder=path)


def test_the_decoder_of_a_model_without_images_is_refused(
    artifact: Artifact, tmp_path: Path
) -> None:
    path = save_token_id_decoder(tmp_path / "text.pte", ONE_LAYER)
    with pytest.raises(UserError, match="takes token ids instead of embeddings"):
        load(artifact, "kv", decoder=path)


@pytest.mark.parametrize("run_mode", ["kv", "hybrid"])
def test_a_lookahead_file_needs_its_own_mode(
    artifact: Artifact, tmp_path: Path, run_mode: Mode
) -> None:
    methods = {"kv_forward": Interface(ar=4), "prefill_forward": Interface(ar=2)}
    path = save_decoder(tmp_path / "lookahead.pte", methods, ONE_LAYER)
    with pytest.raises(UserError, match=r"kv_forward of .*takes 4 tokens per call.*lookahead"):
        load(artifact, run_mode, decoder=path)


@pytest.mark.parametrize(
    ("ar", "sentence"),
    [
        (1, r"kv_forward of .* takes 1 token per call.*not exported for lookahead; use --eval_"),
        (2, r"Lookahead 2,2,2 .* feeds 4 tokens per call and kv_forward of .* takes 2; give --wi"),
    ],
)
def test_lookahead_needs_a_file_with_room_for_its_branch(
    artifact: Artifact, tmp_path: Path, ar: int, sentence: str
) -> None:
    methods = {"kv_forward": Interface(ar=ar), "prefill_forward": Interface(ar=2)}
    decoder = save_decoder(tmp_path / "narrow.pte", methods, ONE_LAYER)
    with pytest.raises(UserError, match=sentence):
        open_programs(artifact, decoder=decoder).describe("lookahead", LookaheadShape(2, 2, 2))


def test_a_cache_that_needs_requantizing_and_is_not_told_how_is_refused(
    artifact: Artifact, tmp_path: Path
) -> None:
    wide = fitting(kv_dtype=torch.uint16)
    methods = {"kv_forward": wide, "prefill_forward": replace(wide, ar=16)}
    constants = {**ONE_LAYER, "get_k_scale_input_0": 0.5}
    path = save_decoder(tmp_path / "old.pte", methods, constants)
    with pytest.raises(UserError, match=r"old\.pte lacks get_k_zero_point_input_0"):
        load(artifact, decoder=path)


def test_dtypes_outside_the_contract_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    wide = Interface(kv_dtype=torch.int32)
    path = save_decoder(tmp_path / "wide.pte", {"kv_forward": wide}, ONE_LAYER)
    with pytest.raises(UserError, match=r"The kv dtype of kv_forward .* is int32"):
        load(artifact, "kv", decoder=path)


def test_files_of_two_models_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    path = save_decoder(tmp_path / "other.pte", {"kv_forward": Interface()}, ONE_LAYER)
    with pytest.raises(UserError, match=r"Output 0 of tok_embedding_kv_forward .*\[1, 1, 96, "):
        load(artifact, "kv", decoder=path)


def test_prefill_and_decode_must_have_one_context(artifact: Artifact, tmp_path: Path) -> None:
    short = replace(Interface(), ar=2, context_length=6)
    methods = {"kv_forward": Interface(), "prefill_forward": short}
    path = save_decoder(tmp_path / "mixed.pte", methods, ONE_LAYER)
    with pytest.raises(UserError, match=r"Input 1 of prefill_forward .* instead of \[1, 1, 2, 8"):
        load(artifact, decoder=path)

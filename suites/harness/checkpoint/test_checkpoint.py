"""Every tensor of a checkpoint is accounted for, whichever layout it has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.checkpoint.checkpoint import open_checkpoint, place_weight
from harness.errors import UserError
from harness.vlm.registry import get_family, get_spec, get_spec_or_family
from suites.harness.export.conftest import MakeCheckpoint, one_layer

FAMILIES = ["smolvlm", "internvl3"]

IN_MEMORY_LAYOUT = {
    "smolvlm": [],
    "internvl3": [
        ("language_model.lm_head.", "lm_head."),
        ("language_model.model.", "model.language_model."),
        ("vision_tower.", "model.vision_tower."),
        ("multi_modal_projector.", "model.multi_modal_projector."),
    ],
}


@pytest.fixture
def folder(request: pytest.FixtureRequest, make_checkpoint: MakeCheckpoint, tmp_path: Path) -> Path:
    """A copy of a checkpoint that a test may change."""
    target = tmp_path / "checkpoint"
    shutil.copytree(make_checkpoint(request.getfixturevalue("family")), target)
    return target


@pytest.mark.parametrize("family", FAMILIES)
def test_the_components_share_all_tensors_out_among_them(family: str, folder: Path) -> None:
    checkpoint = open_checkpoint(folder, one_layer(family))
    stored = load_file(folder / "model.safetensors")
    placed = [
        checkpoint.component_weights(component)
        for component in ("vision_encoder", "token_embedding", "text_decoder")
    ]
    assert sum(len(weights) for weights in placed) == len(stored)
    assert sum(t.numel() for weights in placed for t in weights.values()) == sum(
        t.numel() for t in stored.values()
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_both_key_layouts_give_the_same_weights(family: str, folder: Path) -> None:
    before = open_checkpoint(folder, one_layer(family)).component_sha256("text_decoder")
    stored = load_file(folder / "model.safetensors")
    renamed = {}
    for key, tensor in stored.items():
        for old, new in IN_MEMORY_LAYOUT[family]:
            if key.startswith(old):
                key = new + key.removeprefix(old)
                break
        renamed[key] = tensor
    save_file(renamed, folder / "model.safetensors")
    assert open_checkpoint(folder, one_layer(family)).component_sha256("text_decoder") == before


@pytest.mark.parametrize("family", FAMILIES)
def test_shards_are_read_together(family: str, folder: Path) -> None:
    before = open_checkpoint(folder, one_layer(family)).component_weights("text_decoder")
    stored = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(stored)
    half = len(names) // 2
    index: dict[str, str] = {}
    for number, part in enumerate((names[:half], names[half:]), start=1):
        shard = {name: stored[name] for name in part}
        file = f"model-{number:05}-of-00002.safetensors"
        save_file(shard, folder / file)
        index |= dict.fromkeys(part, file)
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": index}))
    after = open_checkpoint(folder, one_layer(family)).component_weights("text_decoder")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tied_head_is_the_embedding_table(family: str, folder: Path) -> None:
    stored = load_file(folder / "model.safetensors")
    head = next(key for key in stored if "lm_head" in key)
    del stored[head]
    save_file(stored, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    checkpoint = open_checkpoint(folder, one_layer(family))
    table = checkpoint.component_weights("token_embedding")["embedding.weight"]
    assert torch.equal(checkpoint.component_weights("text_decoder")["lm_head.weight"], table)


def test_a_weight_that_nothing_uses_has_no_place() -> None:
    assert place_weight(get_family("smolvlm"), "model.surprise.weight") is None


@pytest.mark.parametrize("family", FAMILIES)
def test_another_geometry_names_the_family_export(family: str, folder: Path) -> None:
    with pytest.raises(UserError, match=f"export {family} --checkpoint"):
        open_checkpoint(folder, get_spec(f"tiny_{family}"))


def test_another_architecture_is_refused(make_checkpoint: MakeCheckpoint) -> None:
    with pytest.raises(UserError, match="InternVLForConditionalGeneration"):
        open_checkpoint(make_checkpoint("smolvlm"), get_spec("tiny_internvl3"))


@pytest.mark.parametrize("family", ["smolvlm"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, r"no config\.json"),
        ("config.json", "{", "not JSON"),
        ("config.json", "[]", "no JSON object"),
        ("model.safetensors", None, r"neither model\.safetensors nor"),
        ("model.safetensors", "rubbish", "damaged"),
        ("tokenizer.json", None, r"no tokenizer\.json"),
    ],
)
def test_missing_and_damaged_files_are_named(
    family: str, folder: Path, name: str, content: str | None, message: str
) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(UserError, match=message):
        open_checkpoint(folder, one_layer(family)).component_weights("text_decoder")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_image_token_is_found_in_the_tokenizer(family: str, folder: Path) -> None:
    stated = json.loads((folder / "config.json").read_text())["image_token_id"]
    assert open_checkpoint(folder, one_layer(family)).image_token_id == stated


@pytest.mark.parametrize("family", ["smolvlm"])
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("<image>", "<picture>", "has no token <image>"), ("{", "", "not a readable")],
)
def test_a_tokenizer_without_the_image_token_is_refused(
    family: str, folder: Path, old: str, new: str, message: str
) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        open_checkpoint(folder, one_layer(family))


def test_a_family_name_stands_for_any_geometry(make_checkpoint: MakeCheckpoint) -> None:
    checkpoint = open_checkpoint(make_checkpoint("internvl3"), get_spec_or_family("internvl3"))
    assert checkpoint.spec.text.layers == 1

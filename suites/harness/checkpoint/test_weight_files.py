"""The weight files that ``transformers`` would load are those that are exported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from harness.checkpoint.checkpoint import open_checkpoint
from harness.checkpoint.weight_files import find_weight_files
from harness.errors import UserError
from harness.export.needs import weights_of
from harness.vlm.registry import get_spec
from suites.harness.checkpoint.conftest import MakeCopy, edit

INDEX = "model.safetensors.index.json"
SPEC = get_spec("tiny_smolvlm")
TABLE = "model.text_model.embed_tokens.weight"


def save_shards(folder: Path, weights: dict[str, torch.Tensor], count: int) -> list[str]:
    """Save as ``save_pretrained`` does; returns the names of the shards."""
    names = []
    index = {}
    for number in range(count):
        name = f"model-{number + 1:05}-of-{count:05}.safetensors"
        shard = {key: weights[key].contiguous() for key in sorted(weights)[number::count]}
        save_file(shard, folder / name, metadata={"format": "pt"})
        index.update(dict.fromkeys(shard, name))
        names.append(name)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return names


@pytest.fixture
def sharded(copied: MakeCopy) -> Path:
    """A checkpoint in two shards."""
    folder = copied()
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    save_shards(folder, weights, 2)
    return folder


def hash_of(folder: Path, component: str = "text_decoder") -> str:
    return open_checkpoint(folder, SPEC).component_sha256(component)  # type: ignore[arg-type]


def test_shards_are_the_weights_of_the_whole_file(copied: MakeCopy, sharded: Path) -> None:
    whole = sharded.parent / "whole"
    shutil.copytree(sharded, whole)
    weights = {k: v for file in sharded.glob("*.safetensors") for k, v in load_file(file).items()}
    save_file(weights, whole / "model.safetensors")
    assert hash_of(whole) == hash_of(sharded)


def test_shards_of_an_earlier_save_are_ignored_and_named(sharded: Path) -> None:
    before = hash_of(sharded, "token_embedding")
    weights = {k: v for file in sharded.glob("*.safetensors") for k, v in load_file(file).items()}
    zeroed = weights | {TABLE: torch.zeros_like(weights[TABLE])}
    index = (sharded / INDEX).read_text()
    stale = save_shards(sharded, zeroed, 3)
    (sharded / INDEX).write_text(index)
    found = open_checkpoint(sharded, SPEC)
    assert found.component_sha256("token_embedding") == before
    assert found.weight_files.ignored == tuple(stale)


def test_a_whole_file_counts_before_an_index(sharded: Path, copied: MakeCopy) -> None:
    names = sorted(path.name for path in sharded.glob("model*"))
    weights = {k: v for file in sharded.glob("*.safetensors") for k, v in load_file(file).items()}
    save_file(weights | {TABLE: torch.zeros_like(weights[TABLE])}, sharded / "model.safetensors")
    found = open_checkpoint(sharded, SPEC)
    assert [file.name for file in found.weight_files.files] == ["model.safetensors"]
    assert found.weight_files.ignored == tuple(names)
    assert not found.component_weights("token_embedding")["embedding.weight"].any()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "pytorch_model.bin", "x.gguf"])
def test_files_that_transformers_passes_over_are_ignored(copied: MakeCopy, name: str) -> None:
    folder = copied()
    (folder / name).write_bytes(b"anything")
    found = open_checkpoint(folder, SPEC).weight_files
    assert ([file.name for file in found.files], found.ignored) == (["model.safetensors"], (name,))


def test_the_memory_that_an_export_needs_is_that_of_the_files_that_count(copied: MakeCopy) -> None:
    folder = copied()
    before = weights_of(open_checkpoint(folder, SPEC), "text_decoder")
    shutil.copy(folder / "model.safetensors", folder / "consolidated.safetensors")
    assert weights_of(open_checkpoint(folder, SPEC), "text_decoder") == before > 0


def test_a_file_that_the_configuration_names_counts_first(copied: MakeCopy) -> None:
    folder = copied()
    shutil.copy(folder / "model.safetensors", folder / "other.safetensors")
    (folder / "model.safetensors").write_bytes(b"damaged, and never read")
    edit(folder / "config.json", {"transformers_weights": "other.safetensors"})
    found = open_checkpoint(folder, SPEC).weight_files
    assert [file.name for file in found.files] == ["other.safetensors"]


@pytest.mark.parametrize("name", ["../model.safetensors", "model.bin", 3, "missing.safetensors"])
def test_a_name_in_the_configuration_that_is_none_is_refused(
    copied: MakeCopy, name: object
) -> None:
    folder = copied()
    edit(folder / "config.json", {"transformers_weights": name})
    with pytest.raises(UserError, match=r"config\.json"):
        open_checkpoint(folder, SPEC)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "has no weight_map"),
        ('{"weight_map": {}}', "has no weight_map"),
        ('{"weight_map": {"a": 1}}', "has no weight_map"),
        ('{"weight_map": {"a": "../a.safetensors"}}', "lies outside"),
        ('{"weight_map": {"a": "/a.safetensors"}}', "lies outside"),
        ('{"weight_map": {"a": "a.safetensors"}}', r"lacks a\.safetensors, which model\.safe"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    ],
)
def test_an_index_that_cannot_be_followed_is_refused(
    sharded: Path, content: str, message: str
) -> None:
    (sharded / INDEX).write_text(content)
    with pytest.raises(UserError, match=message):
        open_checkpoint(sharded, SPEC)


def test_missing_shards_are_listed(sharded: Path) -> None:
    for file in sharded.glob("*.safetensors"):
        file.unlink()
    with pytest.raises(UserError, match=r"lacks model-00001-of-00002.*, model-00002-of-00002"):
        open_checkpoint(sharded, SPEC)


def test_shards_without_an_index_are_refused_by_name(sharded: Path) -> None:
    (sharded / INDEX).unlink()
    with pytest.raises(UserError, match=r"neither .* nor .*model-00001-of-00002\.safetensors"):
        open_checkpoint(sharded, SPEC)


def test_pickled_weights_are_refused_with_what_makes_safetensors_of_them(copied: MakeCopy) -> None:
    folder = copied()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"only pickled weights .*save_pretrained"):
        open_checkpoint(folder, SPEC)


def test_a_tensor_that_the_index_names_and_no_shard_has_is_named(sharded: Path) -> None:
    first = sharded / "model-00001-of-00002.safetensors"
    weights = load_file(first)
    gone = sorted(weights)[0]
    del weights[gone]
    save_file(weights, first)
    with pytest.raises(UserError, match=f"00001-of-00002.safetensors lacks {gone}"):
        open_checkpoint(sharded, SPEC)


@pytest.mark.parametrize(("change", "refused"), [(0.0, False), (1.0, True)])
def test_a_tensor_in_two_shards_needs_one_value(
    sharded: Path, change: float, refused: bool
) -> None:
    first, second = sorted(sharded.glob("*.safetensors"))
    weights, others = load_file(first), load_file(second)
    key = sorted(others)[0]
    save_file(weights | {key: others[key] + change}, first)
    if refused:
        with pytest.raises(UserError, match=f"different values of '{key}'"):
            open_checkpoint(sharded, SPEC)
    else:
        assert open_checkpoint(sharded, SPEC)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    present=st.sets(
        st.sampled_from(
            [
                "model.safetensors",
                INDEX,
                "shard.safetensors",
                "pytorch_model.bin",
                "model.fp16.safetensors",
            ]
        )
    )
)
def test_any_set_of_files_is_decided_as_transformers_decides(
    tmp_path: Path, present: set[str]
) -> None:
    from transformers.modeling_utils import _get_resolved_checkpoint_files

    folder = tmp_path / "-".join(sorted(present) or ["none"])
    folder.mkdir(exist_ok=True)
    for name in present:
        (folder / name).write_text('{"metadata": {}, "weight_map": {"a": "shard.safetensors"}}')
    try:
        theirs, _ = _get_resolved_checkpoint_files(
            str(folder), None, None, None, None, is_remote_code=False
        )
    except OSError:
        theirs = None
    wanted = [Path(file).name for file in theirs or ()]
    if not wanted or wanted == ["pytorch_model.bin"] or not set(wanted) <= present:
        with pytest.raises(UserError):
            find_weight_files(folder, {})
    else:
        found = find_weight_files(folder, {})
        assert [file.name for file in found.files] == wanted
        assert set(found.ignored) == present - {*wanted} - (
            {INDEX} if wanted == ["shard.safetensors"] else set()
        )

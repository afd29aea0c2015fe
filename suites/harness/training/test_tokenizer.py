"""The miniatures' tokenizers encode anything, and prompts leave room to generate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from harness.miniatures.committed import checkpoint_path
from harness.miniatures.scenes import TEST_SEEDS, Scene
from harness.vlm.prompt import IMAGE_PLACEHOLDER, format_turn
from harness.vlm.registry import get_spec
from harness.vlm.spec import VlmSpec
from training.miniature import miniature_of
from training.saving import load_tokenizer
from training.tokenizer import build_tokenizer, encode_example, encode_prompt

MINIATURES = ("tiny_smolvlm", "tiny_internvl3")
DECODE_STEPS = 128

tokenizers_by_name = {name: load_tokenizer(checkpoint_path(name)) for name in MINIATURES}


@pytest.fixture(params=MINIATURES)
def spec(request: pytest.FixtureRequest) -> VlmSpec:
    return get_spec(request.param)


@pytest.fixture
def tokenizer(spec: VlmSpec) -> Tokenizer:
    return tokenizers_by_name[spec.name]


@given(st.sampled_from(MINIATURES), st.text())
def test_any_text_survives_encoding_and_decoding(name: str, text: str) -> None:
    tokenizer = tokenizers_by_name[name]
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_the_vocabulary_has_exactly_the_size_of_the_spec(
    spec: VlmSpec, tokenizer: Tokenizer
) -> None:
    assert tokenizer.get_vocab_size() == spec.text.vocab_size
    assert set(tokenizer.get_vocab().values()) == set(range(spec.text.vocab_size))


def test_every_special_token_is_one_token_and_nothing_is_added(
    spec: VlmSpec, tokenizer: Tokenizer
) -> None:
    for token in miniature_of(spec.family).special_tokens:
        assert tokenizer.encode(token).tokens == [token]
    for token in (*spec.family.stop_tokens, spec.family.image_token):
        assert token in miniature_of(spec.family).special_tokens


def test_building_a_tokenizer_again_gives_the_same(spec: VlmSpec) -> None:
    built = build_tokenizer(spec)
    assert built.get_vocab_size() == spec.text.vocab_size
    assert built.to_str() == build_tokenizer(spec).to_str()


def test_piecewise_encoding_equals_encoding_the_whole_reference_text(
    spec: VlmSpec, tokenizer: Tokenizer
) -> None:
    for question in Scene.from_seed(TEST_SEEDS[0]).questions():
        formatted = format_turn(f"<image>{question.prompt}", "", spec.family.prompt)
        image_tokens = spec.family.image_token * spec.vision.tokens_per_image
        whole = formatted.replace(IMAGE_PLACEHOLDER, image_tokens)
        ids = tokenizer.encode(whole).ids
        assert encode_prompt(question.prompt, spec, tokenizer) == tuple(ids)


def test_an_answer_ends_with_the_stop_token_and_decodes_to_its_text(
    spec: VlmSpec, tokenizer: Tokenizer
) -> None:
    for question in Scene.from_seed(TEST_SEEDS[1]).questions():
        example = encode_example(question, spec, tokenizer)
        assert example.answer[-1] == tokenizer.token_to_id(spec.family.stop_tokens[0])
        assert tokenizer.decode(list(example.answer)).strip() == question.answer
        assert example.prompt == encode_prompt(question.prompt, spec, tokenizer)


def test_prompts_and_descriptions_leave_room_in_the_context(
    spec: VlmSpec, tokenizer: Tokenizer
) -> None:
    for seed in TEST_SEEDS[:50]:
        for question in Scene.from_seed(seed).questions():
            example = encode_example(question, spec, tokenizer)
            assert len(example.prompt) + DECODE_STEPS <= spec.context_length
            assert len(example.answer) < DECODE_STEPS
            if question.kind == "describe":
                assert len(example.answer) > 60

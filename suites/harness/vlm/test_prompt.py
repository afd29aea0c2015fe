"""Prompts are wrapped, cut and matched with images as contract §4.1, §4.2 say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.vlm.prompt import (
    IMAGE_PLACEHOLDER,
    ImagePiece,
    Piece,
    TextPiece,
    format_turn,
    place_images,
    split_pieces,
    without_images,
)
from harness.vlm.registry import get_family, known_families
from harness.vlm.spec import VlmFamily
from harness.vlm.turn import OwnReading, TurnText, UpstreamReading

SMOLVLM, INTERNVL3 = get_family("smolvlm"), get_family("internvl3")

families = st.sampled_from(sorted(known_families().values(), key=lambda family: family.name))
texts = st.text(max_size=12).filter(
    lambda text: IMAGE_PLACEHOLDER not in text and not text.endswith("\\")
)
prompts = st.lists(texts, min_size=1, max_size=4).map(IMAGE_PLACEHOLDER.join)


def joined(pieces: tuple[Piece, ...]) -> str:
    return "".join(
        piece.text if isinstance(piece, TextPiece) else IMAGE_PLACEHOLDER for piece in pieces
    )


def test_smolvlm_turn() -> None:
    assert format_turn("<image>What is this?", "", SMOLVLM.prompt) == (
        "<|im_start|>User:<fake_token_around_image><global-img><image><fake_token_around_image>"
        "What is this?<end_of_utterance>\nAssistant:"
    )


def test_smolvlm_system_prompt() -> None:
    assert format_turn("Hi", "Be brief.", SMOLVLM.prompt) == (
        "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|im_start|>User:Hi<end_of_utterance>\nAssistant:"
    )


def test_internvl3_turn() -> None:
    assert format_turn("<image>What is this?", "", INTERNVL3.prompt) == (
        "<|im_start|>user:\n<img><image></img>What is this?<|im_end|>assistant\n"
    )


def test_internvl3_system_prompt() -> None:
    assert format_turn("Hi", "Be brief.", INTERNVL3.prompt) == (
        "<|im_start|>system<|im_end|>\n\nBe brief.<|im_end|>"
        "<|im_start|>user:\nHi<|im_end|>assistant\n"
    )


def test_stop_tokens() -> None:
    """Contract §4.3."""
    assert set(SMOLVLM.stop_tokens) == {"<end_of_utterance>", "<|endoftext|>"}
    assert set(INTERNVL3.stop_tokens) == {"<|im_end|>", "<|endoftext|>"}


def test_every_image_gets_its_own_wrapping() -> None:
    turn = format_turn("left <image> right <image>", "", INTERNVL3.prompt)
    assert turn.count("<img><image></img>") == 2


def test_text_between_images_keeps_its_order() -> None:
    assert split_pieces("a<image><image>b") == (
        TextPiece("a"),
        ImagePiece(0),
        ImagePiece(1),
        TextPiece("b"),
    )


@given(prompt=prompts, system=texts, family=families)
def test_pieces_joined_are_the_formatted_turn(prompt: str, system: str, family: VlmFamily) -> None:
    formatted = format_turn(prompt, system, family.prompt)
    pieces = split_pieces(formatted)
    assert joined(pieces) == formatted
    assert TextPiece("") not in pieces


@given(prompt=prompts, family=families)
def test_there_are_as_many_image_pieces_as_placeholders(prompt: str, family: VlmFamily) -> None:
    pieces = split_pieces(format_turn(prompt, "", family.prompt))
    images = [piece.index for piece in pieces if isinstance(piece, ImagePiece)]
    assert images == list(range(prompt.count(IMAGE_PLACEHOLDER)))


def test_the_word_itself_is_no_place_of_an_image() -> None:
    formatted = format_turn(r"<image>What does \<image> mean?", "", SMOLVLM.prompt)
    pieces = split_pieces(formatted)
    assert sum(isinstance(piece, ImagePiece) for piece in pieces) == 1
    assert TextPiece("<image>", is_word=True) in pieces
    assert without_images(formatted).endswith(
        "What does <image> mean?<end_of_utterance>\nAssistant:"
    )


@given(before=texts, after=texts, family=families)
def test_a_system_prompt_holds_no_image(before: str, after: str, family: VlmFamily) -> None:
    formatted = format_turn("<image>Hi", f"{before}<image>{after}", family.prompt)
    images = [piece for piece in split_pieces(formatted) if isinstance(piece, ImagePiece)]
    assert images == [ImagePiece(0)]
    assert f"{before}<image>{after}" in without_images(formatted)


@given(conversation=st.lists(texts, min_size=1, max_size=4), images=st.integers(0, 4))
def test_prompts_without_placeholder_get_all_images_first(
    conversation: list[str], images: int
) -> None:
    placed = place_images(conversation, images)
    assert placed[0] == IMAGE_PLACEHOLDER * images + conversation[0]
    assert placed[1:] == tuple(conversation[1:])


@given(conversation=st.lists(prompts, min_size=1, max_size=4))
def test_placeholders_that_match_are_left_alone(conversation: list[str]) -> None:
    images = sum(prompt.count(IMAGE_PLACEHOLDER) for prompt in conversation)
    assert place_images(conversation, images) == tuple(conversation)


@pytest.mark.parametrize("images", [0, 1, 3])
def test_placeholders_that_do_not_match_are_refused(images: int) -> None:
    with pytest.raises(UserError, match=f"hold 2 <image> but {images} images"):
        place_images(["<image>and", "<image>?"], images)


def read_by_upstream(prompt: str, system_prompt: str = "") -> TurnText:
    return UpstreamReading().read(prompt, system_prompt, INTERNVL3.prompt)


@given(prompt=prompts, system=texts, family=families)
def test_both_read_a_plain_turn_alike(prompt: str, system: str, family: VlmFamily) -> None:
    assert OwnReading().read(prompt, system, family.prompt) == UpstreamReading().read(
        prompt, system, family.prompt
    )


@pytest.mark.parametrize(
    ("prompt", "system", "pieces", "echo"),
    [
        (r"a \<image>?", "", [r"<|im_start|>user:\na \<img>", 0, "</img>?"], r"a \<img></img>?"),
        ("<image>Hi", "An <image>.", ["An ", 0, ".", "<image>"], "An ."),
        ("Hi", "An <image>.", ["An <image>."], "An <image>."),
        ("<image><image>", r"\<image>", ["\\", 0, 1, "</img><img><image></img>"], "<img><image>"),
    ],
)
def test_every_placeholder_counts_as_upstream_reads_and_the_first_ones_get_the_images(
    prompt: str, system: str, pieces: list[str | int], echo: str
) -> None:
    turn = read_by_upstream(prompt, system)
    images = [piece.index for piece in turn.pieces if isinstance(piece, ImagePiece)]
    assert images == [piece for piece in pieces if isinstance(piece, int)]
    told = "".join("\x00" if isinstance(one, ImagePiece) else one.text for one in turn.pieces)
    for stretch in pieces:
        assert isinstance(stretch, int) or stretch.replace("\\n", "\n") in told
    assert echo in turn.echo
    assert turn.echo == told.replace("\x00", "")
    assert not any(isinstance(one, TextPiece) and one.is_word for one in turn.pieces)


def test_upstream_counts_words_as_places() -> None:
    way = UpstreamReading()
    assert way.place_images([r"What is \<image>?"], 1) == (r"What is \<image>?",)
    assert way.place_images(["a", "b"], 2) == ("<image><image>a", "b")
    with pytest.raises(UserError, match="hold 2 <image> as upstream's runner counts"):
        way.place_images([r"<image>What is \<image>?"], 1)
    assert OwnReading().place_images([r"<image>What is \<image>?"], 1)

"""A conversation is said as the runner on the phone takes it, and its length is known before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.devices.phone.runner.command import sequence_length
from harness.devices.phone.runner.dialogue import Dialogue, hold_dialogue
from harness.devices.phone.runner.generation import RunnerGeneration
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.runtime.request import Request, RunOptions
from harness.vlm.registry import get_spec
from harness.vlm.tokenizer import Tokenizer

SPEC = get_spec("tiny_smolvlm")
CURRENT = RunnerGeneration(frozenset({"tok_embedding_path"}), requantizes=False)
OURS = RunnerGeneration(frozenset({"tok_embedding_path", "generations_path"}), requantizes=True)
OLD = RunnerGeneration(frozenset({"embedding_path"}), requantizes=True)
ONE = Request(id="one", prompts=("<image>What is this?",), images=("a.png",))
TWO = Request(
    id="two",
    prompts=("<image>What is this?", "And <image>this?"),
    images=("a.png", "b.png"),
    system_prompt="Be brief.",
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The miniature's."""
    return Tokenizer(checkpoint_path("tiny_smolvlm") / "tokenizer.json")


def hold(request: Request, tokenizer: Tokenizer, generation: RunnerGeneration) -> Dialogue:
    return hold_dialogue(request, SPEC.family, tokenizer, 16, generation)


def test_the_present_runner_gets_placeholders_and_echoes_without_them(
    tokenizer: Tokenizer,
) -> None:
    dialogue = hold(ONE, tokenizer, CURRENT)
    assert dialogue.prompts == ONE.prompts
    assert dialogue.endings == (
        "<|im_start|>User:<fake_token_around_image><global-img><fake_token_around_image>"
        "What is this?<end_of_utterance>\nAssistant:",
    )
    assert dialogue.is_exact


def test_the_word_image_is_no_question_for_the_runner_on_a_phone(tokenizer: Tokenizer) -> None:
    """It sees the place of an image in it, and a system prompt is repeated in every turn."""
    for update in ({"prompts": (r"What does \<image> mean?",)}, {"system_prompt": "See <image>."}):
        with pytest.raises(UserError, match="means the word <image>, where the runner on the"):
            hold(ONE.model_copy(update=update), tokenizer, CURRENT)


def test_an_image_without_a_placeholder_gets_one_in_front(tokenizer: Tokenizer) -> None:
    bare = ONE.model_copy(update={"prompts": ("What is this?",)})
    assert hold(bare, tokenizer, CURRENT) == hold(ONE, tokenizer, CURRENT)


def test_the_prompts_length_counts_image_rows(tokenizer: Tokenizer) -> None:
    texts = [
        "<|im_start|>User:<fake_token_around_image><global-img>",
        "<fake_token_around_image>What is this?<end_of_utterance>\nAssistant:",
    ]
    words = sum(len(tokenizer.encode(text)) for text in texts)
    assert hold(ONE, tokenizer, CURRENT).prompt_tokens == (words + 16,)


def test_a_length_is_that_which_the_runners_own_tokenizer_will_read(tmp_path: Path) -> None:
    """Upstream's reads é as e where tokenizer.json asks for NFC."""
    content = json.loads((checkpoint_path("tiny_smolvlm") / "tokenizer.json").read_text())
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**content, "normalizer": {"type": "NFC"}}))
    accented = ONE.model_copy(update={"prompts": ("<image>Où est le café?",)})
    tokenizer = Tokenizer(path)
    (ours,) = hold(accented, tokenizer, OURS).prompt_tokens
    (upstreams,) = hold(accented, tokenizer, CURRENT).prompt_tokens
    plain = accented.model_copy(update={"prompts": ("<image>Ou est le cafe?",)})
    assert hold(plain, tokenizer, CURRENT).prompt_tokens == (upstreams,)
    assert upstreams != ours
    assert "café" in hold(accented, tokenizer, CURRENT).endings[0]


def test_turns_repeat_the_system_prompt(tokenizer: Tokenizer) -> None:
    dialogue = hold(TWO, tokenizer, CURRENT)
    assert [ending.count("Be brief.") for ending in dialogue.endings] == [1, 1]
    assert len(dialogue.prompt_tokens) == 2


def test_the_first_runner_puts_the_image_in_front_by_itself(tokenizer: Tokenizer) -> None:
    dialogue = hold(ONE, tokenizer, OLD)
    assert dialogue.prompts == ("What is this?",)
    assert dialogue.endings == ("What is this?<end_of_utterance>\nAssistant:",)
    assert not dialogue.is_exact


@pytest.mark.parametrize(
    "request_",
    [
        TWO,
        ONE.model_copy(update={"prompts": ("What is <image>this?",)}),
        ONE.model_copy(update={"prompts": ("Hello",), "images": ()}),
    ],
)
def test_the_first_runner_takes_nothing_else(tokenizer: Tokenizer, request_: Request) -> None:
    with pytest.raises(UserError, match="takes one prompt behind one image; build the runner of"):
        hold(request_, tokenizer, OLD)


def test_a_fixed_number_of_steps_is_a_cap_on_positions() -> None:
    """With P + N + 1 the runner decodes while its position is below P + N."""
    dialogue = Dialogue(("a",), ("a",), (40,), is_exact=True)
    options = RunOptions(max_new_tokens=128)
    assert sequence_length(dialogue, options, None) == 169
    assert sequence_length(dialogue, options, 41) == 170
    assert sequence_length(dialogue, RunOptions(seq_len=1024), None) == 1024


def test_no_cap_counts_the_steps_of_several_turns() -> None:
    dialogue = Dialogue(("a", "b"), ("a", "b"), (40, 50), is_exact=True)
    with pytest.raises(UserError, match="2 turns of 8 steps each cannot be asked"):
        sequence_length(dialogue, RunOptions(max_new_tokens=8), None)


@pytest.mark.parametrize(
    ("update", "fact"),
    [
        ({"prompts": ("What\0?",), "images": ()}, "has a NUL as character 5"),
        ({"system_prompt": "\0"}, "has a NUL as character 1"),
        ({"prompts": ("caf\udce9",), "images": ()}, r"is not UTF-8 at character 4 \('\\udce9'\)"),
    ],
)
def test_text_that_no_command_line_carries_is_refused(
    update: dict[str, object], fact: str, tokenizer: Tokenizer
) -> None:
    with pytest.raises(UserError, match=f"A prompt of request 'one' {fact}"):
        hold(ONE.model_copy(update=update), tokenizer, CURRENT)

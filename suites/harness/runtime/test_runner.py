"""Conversations: token for token what ``transformers`` answers, and what ends or forbids them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.errors import UserError
from harness.runtime.files import RunFiles
from harness.runtime.generation import Turn
from harness.runtime.observer import Observer, Phase
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.runtime.stopwatch import Stopwatch
from harness.vocabulary import Mode
from suites.harness.runtime.random_checkpoint import RandomModel

CONTEXT, PREFILL_AR = 256, 16
QUESTION = "What is this?"
FILLER = "<|im_end|>"
"""Exactly one token, whatever stands beside it."""


@dataclass
class Recorder(Observer):
    """Keeps what a run tells."""

    pieces: list[str] = field(default_factory=list)
    prefill: list[NDArray[Any]] = field(default_factory=list)
    decode: list[NDArray[Any]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    def text(self, piece: str) -> None:
        self.pieces.append(piece)

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        (self.prefill if phase == "prefill" else self.decode).append(rows.copy())

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        self.turns.append(turn)


def ask(*prompts: str, images: tuple[str, ...] = (), system_prompt: str = "") -> Request:
    return Request(id="test", prompts=prompts, images=images, system_prompt=system_prompt)


def fixed(steps: int, run_mode: Mode = "hybrid", **options: Any) -> RunOptions:
    """Options for an answer of a known number of decode steps."""
    return RunOptions(mode=run_mode, max_new_tokens=steps, ignore_eos=True, **options)


def prompt_of(tokens: int, model: RandomModel, picture: str) -> Request:
    """A request whose merged prompt has this length."""
    short = model.runner(fixed(0)).run(ask("", images=(picture,))).last.stats.prompt_tokens
    return ask(FILLER * (tokens - short), images=(picture,))


CONVERSATIONS = {
    "one image": ((QUESTION,), 1),
    "two images in one prompt": (("Left <image>, right <image>: which?",), 2),
    "an image in the second turn": (("Look at <image>.", "And <image>?", "So which?"), 2),
    "non-ASCII text": (("Что это? 日本 🙂",), 1),
}


@pytest.mark.parametrize("run_mode", ["kv", "hybrid"])
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_greedy_ids_are_those_of_transformers(
    random_model: RandomModel, pictures: tuple[str, str], run_mode: Mode, conversation: str
) -> None:
    prompts, count = CONVERSATIONS[conversation]
    images = pictures[:count]
    runner = random_model.runner(fixed(19, run_mode))
    turns = runner.run(ask(*prompts, images=images)).turns
    expected = random_model.reference_answers(prompts, images, tokens=20)
    assert [turn.token_ids for turn in turns] == expected


@pytest.mark.parametrize("tokens", [2 * PREFILL_AR - 1, 2 * PREFILL_AR, 2 * PREFILL_AR + 1, 100])
def test_prompts_may_end_anywhere_in_a_chunk(
    smolvlm: RandomModel, pictures: tuple[str, str], tokens: int
) -> None:
    request = prompt_of(tokens, smolvlm, pictures[0])
    (turn,) = smolvlm.runner(fixed(9)).run(request).turns
    assert turn.stats.prompt_tokens == tokens
    assert [turn.token_ids] == smolvlm.reference_answers(request.prompts, request.images, tokens=10)


@pytest.mark.parametrize(
    ("run_mode", "limit"), [("kv", CONTEXT - 1), ("hybrid", CONTEXT - PREFILL_AR)]
)
def test_a_prompt_may_fill_the_cache_and_not_more(
    smolvlm: RandomModel, pictures: tuple[str, str], run_mode: Mode, limit: int
) -> None:
    runner = smolvlm.runner(RunOptions(mode=run_mode, ignore_eos=True))
    longest = prompt_of(limit, smolvlm, pictures[0])
    turn = runner.run(longest).last
    steps = CONTEXT - 1 - limit
    assert len(turn.token_ids) == 1 + steps
    assert [turn.token_ids] == smolvlm.reference_answers(longest.prompts, longest.images, 1 + steps)
    with pytest.raises(UserError, match=f"takes {limit + 1} tokens"):
        runner.run(prompt_of(limit + 1, smolvlm, pictures[0]))


@pytest.mark.parametrize("run_mode", ["kv", "hybrid"])
def test_all_logits_are_those_of_transformers(
    smolvlm: RandomModel, pictures: tuple[str, str], run_mode: Mode
) -> None:
    recorder = Recorder()
    turn = (
        smolvlm.runner(fixed(10, run_mode), recorder).run(ask(QUESTION, images=pictures[:1])).last
    )
    ids = smolvlm.prompt_ids("<image>" + QUESTION) + list(turn.token_ids[:-1])
    with torch.no_grad():
        expected = smolvlm.reference(
            input_ids=torch.tensor([ids]), pixel_values=smolvlm.pixels(pictures[:1])
        ).logits[0]
    prefill, decode = np.concatenate(recorder.prefill), np.concatenate(recorder.decode)
    assert len(prefill) == turn.stats.prompt_tokens
    assert len(decode) == turn.stats.generated_tokens == 10
    np.testing.assert_allclose(np.concatenate([prefill, decode]), expected.numpy(), atol=0.02)


def test_every_request_begins_on_an_empty_cache(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    first, second = (ask(QUESTION, images=(picture,)) for picture in pictures)
    runner = smolvlm.runner(fixed(12))
    answers = [runner.run(request).last.token_ids for request in (first, second, first)]
    assert answers[0] == answers[2] != answers[1]
    assert smolvlm.runner(fixed(12)).run(second).last.token_ids == answers[1]


def test_repetitions_continue_the_context(smolvlm: RandomModel, pictures: tuple[str, str]) -> None:
    runner = smolvlm.runner(fixed(5))
    repeated = runner.run(ask("<image> " + QUESTION, images=pictures[:1]), times=2)
    prompt = "<image> " + QUESTION
    at_once = runner.run(ask(prompt, prompt, images=(pictures[0], pictures[0])))
    assert [t.token_ids for t in repeated.turns] == [t.token_ids for t in at_once.turns]
    assert repeated.turns[0].token_ids != repeated.turns[1].token_ids


def test_warming_up_changes_nothing_and_shows_nothing(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    cold, warm = Recorder(), Recorder()
    request = ask(QUESTION, images=pictures[:1])
    smolvlm.runner(fixed(5, temperature=1.0), cold).run(request)
    smolvlm.runner(fixed(5, temperature=1.0, warmup=2), warm).run(request)
    assert [turn.token_ids for turn in warm.turns] == [turn.token_ids for turn in cold.turns]
    assert warm.pieces == cold.pieces


def test_a_seed_repeats_a_sampled_answer_and_another_seed_gives_another(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    request = ask(QUESTION, images=pictures[:1])

    def answer(seed: int) -> tuple[int, ...]:
        return smolvlm.runner(fixed(15, temperature=5.0, seed=seed)).run(request).last.token_ids

    assert answer(1) == answer(1)
    assert answer(1) != answer(2)


@pytest.mark.parametrize("index", [0, 3])
def test_a_stop_token_ends_the_answer_and_is_part_of_it(
    smolvlm: RandomModel, pictures: tuple[str, str], index: int
) -> None:
    request = ask(QUESTION, images=pictures[:1])
    free = smolvlm.runner(fixed(10)).run(request).last.token_ids
    assert free.index(free[index]) == index
    runner = runner_stopping_at(smolvlm, free[index], RunOptions())
    turn = runner.run(request).last
    assert turn.token_ids == free[: index + 1]
    assert turn.stats.stop_reason == "stop_token"
    assert turn.stats.generated_tokens == index


def test_upstream_never_tests_the_first_token_for_a_stop(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    request = ask(QUESTION, images=pictures[:1])
    free = smolvlm.runner(fixed(4)).run(request).last.token_ids
    options = RunOptions(upstream_compat=True, max_new_tokens=4)
    assert runner_stopping_at(smolvlm, free[0], options).run(request).last.token_ids == free


def test_ignoring_stop_tokens_fixes_the_length(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    request = ask(QUESTION, images=pictures[:1])
    free = smolvlm.runner(fixed(6)).run(request).last.token_ids
    turn = runner_stopping_at(smolvlm, free[2], fixed(6)).run(request).last
    assert turn.token_ids == free
    assert turn.stats.stop_reason == "length"


def runner_stopping_at(model: RandomModel, stop_id: int, options: RunOptions) -> MultimodalRunner:
    stop_token = model.engine.id_to_token(stop_id)
    assert stop_token is not None
    family = replace(model.spec.family, stop_tokens=(stop_token,))
    return MultimodalRunner(RunFiles.of(model.artifact), family, options)


def test_seq_len_caps_prompt_and_answer_together(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    request = ask(QUESTION, images=pictures[:1])
    turn = smolvlm.runner(RunOptions(seq_len=50, ignore_eos=True)).run(request).last
    assert turn.stats.prompt_tokens + len(turn.token_ids) == 50
    assert turn.stats.stop_reason == "length"
    with pytest.raises(UserError, match="--seq_len 20 leaves room for 19"):
        smolvlm.runner(RunOptions(seq_len=20)).run(request)


def test_echo_text_and_stream_say_the_same_as_the_ids(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    recorder = Recorder()
    runner = smolvlm.runner(fixed(30), recorder)
    request = ask("Look: <image>!", images=pictures[:1], system_prompt="Be brief.")
    turn = runner.run(request).last
    assert turn.echo == (
        "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|im_start|>User:Look: <fake_token_around_image><global-img><fake_token_around_image>!"
        "<end_of_utterance>\nAssistant:"
    )
    assert turn.text == runner.token_bytes(turn.token_ids).decode(errors="replace")
    assert "".join(recorder.pieces) == turn.text
    assert recorder.turns == [turn]


def test_the_stages_of_a_turn_add_up(smolvlm: RandomModel, pictures: tuple[str, str]) -> None:
    stats = smolvlm.runner(fixed(10)).run(ask(QUESTION, images=pictures[:1])).last.stats
    assert stats.encode_ms is not None
    assert stats.embed_ms is not None
    assert stats.prefill_ms is not None
    assert stats.execute_ms is not None
    stages = (stats.encode_ms, stats.embed_ms, stats.prefill_ms)
    assert min(stages) > 0
    assert sum(stages) < stats.prompt_eval_ms == stats.ttft_ms
    assert stats.inference_ms == pytest.approx(stats.ttft_ms + stats.decode_ms)
    assert 0 < stats.execute_ms + stats.sampling_ms < stats.decode_ms


@pytest.mark.parametrize(
    ("prompts", "count", "sentence"),
    [
        (("<image> and <image>",), 1, "hold 2 <image> but 1 images were given"),
        (("<image>", "again"), 2, "hold 1 <image> but 2 images were given"),
        (("Listen: <audio>",), 1, "<audio>"),
        ((FILLER * 300,), 1, r"The prompt takes \d+ tokens, but the context of 256 holds 240"),
    ],
)
def test_impossible_requests_are_one_sentence(
    smolvlm: RandomModel,
    pictures: tuple[str, str],
    prompts: tuple[str, ...],
    count: int,
    sentence: str,
) -> None:
    with pytest.raises(UserError, match=sentence):
        smolvlm.runner(fixed(1)).run(ask(*prompts, images=pictures[:count]))


def test_a_runner_answers_on_after_a_refused_request(
    smolvlm: RandomModel, pictures: tuple[str, str]
) -> None:
    good = ask(QUESTION, images=pictures[:1])
    runner = smolvlm.runner(fixed(5))
    before = runner.run(good).last.token_ids
    with pytest.raises(UserError, match="after"):
        runner.run(ask(QUESTION, FILLER * 250, images=pictures[:1]))
    assert runner.run(good).last.token_ids == before

"""Lookahead runs of real files: token for token what kv mode answers, wherever an answer ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.runtime.files import RunFiles
from harness.runtime.observer import MarginObserver
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.mode import LookaheadShape
from suites.harness.runtime.random_checkpoint import RandomModel
from suites.harness.runtime.test_runner import CONVERSATIONS, FILLER, QUESTION, Recorder, ask

CONTEXT, AR = 256, 32
SLOTS = CONTEXT - AR
OWN = LookaheadShape(window=4, ngram=5, gcap=4)
SHAPES = {
    "fills AR": OWN,
    "leaves slots unused": LookaheadShape(window=3, ngram=4, gcap=4),
    "long n-grams": LookaheadShape(window=2, ngram=9, gcap=2),
    "smallest": LookaheadShape(window=1, ngram=2, gcap=1),
}


@dataclass
class Listener(Recorder):
    """Keeps the log too."""

    lines: list[str] = field(default_factory=list)

    def log(self, message: str) -> None:
        self.lines.append(message)


def looking_ahead(shape: LookaheadShape = OWN, **options: Any) -> RunOptions:
    return RunOptions(mode="lookahead", lookahead=shape, **options)


def kv(**options: Any) -> RunOptions:
    return RunOptions(mode="kv", **options)


def ids(runner: MultimodalRunner, request: Request) -> list[tuple[int, ...]]:
    return [turn.token_ids for turn in runner.run(request).turns]


@pytest.fixture
def request_of_one(pictures: tuple[str, str]) -> Request:
    return ask(QUESTION, images=pictures[:1])


def prompt_of(tokens: int, model: RandomModel, picture: str) -> Request:
    """A request whose merged prompt has this length."""
    short = model.runner(kv(max_new_tokens=0)).run(ask("", images=(picture,))).last.stats
    return ask(FILLER * (tokens - short.prompt_tokens), images=(picture,))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_tokens_are_those_of_kv_mode(
    random_model: RandomModel,
    lookahead_model: RandomModel,
    pictures: tuple[str, str],
    conversation: str,
    shape: str,
) -> None:
    prompts, count = CONVERSATIONS[conversation]
    request = ask(*prompts, images=pictures[:count])
    fixed: dict[str, Any] = {"ignore_eos": True, "max_new_tokens": 30}
    expected = ids(random_model.runner(kv(**fixed)), request)
    turns = lookahead_model.runner(looking_ahead(SHAPES[shape], **fixed)).run(request).turns
    assert [turn.token_ids for turn in turns] == expected
    for turn in turns:
        assert turn.stats.generated_tokens == 30
        assert turn.stats.decode_steps is not None
        assert 30 / SHAPES[shape].ngram <= turn.stats.decode_steps <= 30


def test_logits_are_those_of_kv_mode(
    random_model: RandomModel, lookahead_model: RandomModel, request_of_one: Request
) -> None:
    rows = []
    for model, options in (
        (random_model, kv(ignore_eos=True, max_new_tokens=60)),
        (lookahead_model, looking_ahead(ignore_eos=True, max_new_tokens=60)),
    ):
        recorder = Recorder()
        model.runner(options, recorder).run(request_of_one)
        rows.append(np.concatenate(recorder.decode))
    assert rows[0].shape == rows[1].shape
    np.testing.assert_allclose(rows[1], rows[0], atol=0.02)


def test_margins_are_those_of_kv_mode(
    random_model: RandomModel, lookahead_model: RandomModel, request_of_one: Request
) -> None:
    """One per token of the answer, however many a pass yielded."""
    turns = []
    for model, options in (
        (random_model, kv(ignore_eos=True, max_new_tokens=30)),
        (lookahead_model, looking_ahead(ignore_eos=True, max_new_tokens=30)),
    ):
        observer = MarginObserver()
        generation = model.runner(options, observer).run(request_of_one)
        turns.append(observer.add_to(generation).last)
    expected, found = turns
    assert found.top2_gaps == pytest.approx(expected.top2_gaps, abs=0.04)
    assert found.runner_up_ids is not None
    pairs = zip(found.token_ids, found.runner_up_ids, strict=True)
    assert all(chosen != other for chosen, other in pairs)


@pytest.mark.parametrize("room", [0, 1, 2, 7, 40])
def test_an_answer_ends_where_the_cache_does(
    random_model: RandomModel, lookahead_model: RandomModel, pictures: tuple[str, str], room: int
) -> None:
    request = prompt_of(SLOTS - room, random_model, pictures[0])
    listener = Listener()
    turn = lookahead_model.runner(looking_ahead(ignore_eos=True), listener).run(request).last
    expected = ids(random_model.runner(kv(ignore_eos=True, seq_len=SLOTS + 1)), request)
    assert [turn.token_ids] == expected
    assert len(turn.token_ids) == 1 + room
    assert turn.stats.stop_reason == "length"
    assert "\nReached to the maximum sequence length" in listener.lines


def test_a_prompt_that_leaves_no_room_for_a_pass_is_refused(
    random_model: RandomModel, lookahead_model: RandomModel, pictures: tuple[str, str]
) -> None:
    request = prompt_of(SLOTS + 1, random_model, pictures[0])
    with pytest.raises(UserError, match=f"takes {SLOTS + 1} tokens, but .* holds {SLOTS} before"):
        lookahead_model.runner(looking_ahead()).run(request)


@pytest.mark.parametrize("seq_len", [45, 46, 47, 60, 100])
def test_no_pass_overshoots_seq_len(
    random_model: RandomModel, lookahead_model: RandomModel, request_of_one: Request, seq_len: int
) -> None:
    turn = (
        lookahead_model.runner(looking_ahead(ignore_eos=True, seq_len=seq_len))
        .run(request_of_one)
        .last
    )
    assert turn.stats.prompt_tokens + len(turn.token_ids) == seq_len
    expected = ids(random_model.runner(kv(ignore_eos=True, seq_len=seq_len)), request_of_one)
    assert [turn.token_ids] == expected


@pytest.mark.parametrize("most", [0, 1, 2, 3, 10])
def test_no_pass_overshoots_the_number_of_tokens(
    random_model: RandomModel, lookahead_model: RandomModel, pictures: tuple[str, str], most: int
) -> None:
    """The turn that follows shows that the cache ends where the answer does."""
    request = ask(QUESTION, "And now?", "And then?", images=pictures[:1])
    fixed: dict[str, Any] = {"ignore_eos": True, "max_new_tokens": most}
    answers = ids(lookahead_model.runner(looking_ahead(**fixed)), request)
    assert answers == ids(random_model.runner(kv(**fixed)), request)
    assert [len(answer) for answer in answers] == [1 + most] * 3


def test_any_token_may_stop_an_answer(
    random_model: RandomModel, lookahead_model: RandomModel, pictures: tuple[str, str]
) -> None:
    """Wherever in a pass it comes; the turn that follows shows what the cache holds."""
    request = ask(QUESTION, "And now?", images=pictures[:1])
    fixed: dict[str, Any] = {"max_new_tokens": 24}
    free = ids(random_model.runner(kv(ignore_eos=True, **fixed)), request)[0]
    for stop_id in dict.fromkeys(free):
        stopped = [
            runner_stopping_at(stop_id, model, options).run(request).turns
            for model, options in (
                (random_model, kv(**fixed)),
                (lookahead_model, looking_ahead(**fixed)),
            )
        ]
        expected, found = ([turn.token_ids for turn in turns] for turns in stopped)
        assert found == expected
        assert found[0] == free[: free.index(stop_id) + 1]
        assert stopped[1][0].stats.stop_reason == "stop_token"


def runner_stopping_at(stop_id: int, model: RandomModel, options: RunOptions) -> MultimodalRunner:
    stop_token = model.engine.id_to_token(stop_id)
    assert stop_token is not None
    family = replace(model.spec.family, stop_tokens=(stop_token,))
    return MultimodalRunner(RunFiles.of(model.artifact), family, options)


def test_requests_warm_up_and_seed_leave_answers_and_passes_as_they_are(
    lookahead_model: RandomModel, pictures: tuple[str, str]
) -> None:
    first, second = (ask(QUESTION, images=(picture,)) for picture in pictures)
    fixed: dict[str, Any] = {"ignore_eos": True, "max_new_tokens": 40}
    runner = lookahead_model.runner(looking_ahead(**fixed))
    turns = [runner.run(request).last for request in (first, second, first)]
    warm = lookahead_model.runner(looking_ahead(warmup=1, **fixed)).run(first).last
    for other in (turns[2], warm):
        assert other.token_ids == turns[0].token_ids
        assert other.stats.decode_steps == turns[0].stats.decode_steps
    seeded = lookahead_model.runner(looking_ahead(seed=3, **fixed)).run(first).last
    assert seeded.token_ids == turns[0].token_ids


def test_the_log_says_what_upstreams_says(
    lookahead_model: RandomModel, request_of_one: Request
) -> None:
    listener = Listener()
    options = looking_ahead(ignore_eos=True, max_new_tokens=50)
    stats = lookahead_model.runner(options, listener).run(request_of_one).last.stats
    assert stats.decode_steps is not None
    accepted = 50 - stats.decode_steps
    expected = [
        "eval mode=2",
        "Use Lookahead decoding: ngram=5, window=4, gcap=4",
        "Initialize Lookahead branch",
        f"Lookahead Decoding: n_generated = 50 / n_accept = {accepted}",
    ]
    assert [line for line in listener.lines if line in expected] == expected


def test_an_answer_that_repeats_itself_takes_fewer_passes(
    lookahead_model: RandomModel, request_of_one: Request
) -> None:
    """Random weights end in a loop of tokens, which the pool soon knows."""
    options = looking_ahead(ignore_eos=True, max_new_tokens=150)
    stats = lookahead_model.runner(options).run(request_of_one).last.stats
    assert stats.decode_steps is not None
    assert stats.decode_steps < 150


def test_temperatures_are_refused(lookahead_model: RandomModel) -> None:
    with pytest.raises(UserError, match=r"--temperature 0\.8 asks for sampling"):
        lookahead_model.runner(looking_ahead(temperature=0.8))

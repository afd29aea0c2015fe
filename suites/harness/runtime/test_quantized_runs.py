"""Whole conversations on integer caches, in every layout that one runner serves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer as Engine

from harness.errors import UserError
from harness.runtime.encodings import CacheEncodings
from harness.runtime.files import RunFiles
from harness.runtime.observer import Observer
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.prompt import ImagePiece, format_turn, place_images, split_pieces
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import Tokenizer
from harness.vocabulary import Mode
from suites.harness.runtime.handmade_program import requantized_metadata, shared_metadata
from suites.harness.runtime.summing_model import (
    IMAGE_SIZE_PX,
    VOCABULARY,
    WORTH,
    Graph,
    one_layer,
    save_summing_model,
)

FAMILY = get_family("smolvlm")
PREFILL, DECODE = one_layer(1.0, 100), one_layer(0.5, 30)
PROMPTS = ("<image>", "and", "so")
STEPS = 3
PREFILL_AR = 4


class Log(Observer):
    """Keeps the log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture(scope="session")
def tokenizer(smolvlm_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("summing") / "tokenizer.json"
    smolvlm_engine.save(str(path))
    return path


@pytest.fixture(scope="session")
def black(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A raw image whose rows are worth nothing."""
    path = tmp_path_factory.mktemp("images") / "black.raw"
    np.zeros((1, 3, IMAGE_SIZE_PX, IMAGE_SIZE_PX), np.float32).tofile(path)
    return str(path)


@pytest.fixture(scope="session")
def expected(smolvlm_engine: Engine) -> list[tuple[int, ...]]:
    """What exact sums answer; the last token of a turn is not part of the next one's past."""
    total, answers = 0, []
    for prompt in place_images(PROMPTS, 1):
        for piece in split_pieces(format_turn(prompt, "", FAMILY.prompt)):
            if not isinstance(piece, ImagePiece):
                total += sum(token % WORTH for token in smolvlm_engine.encode(piece.text).ids)
        answer = [total % VOCABULARY]
        for _ in range(STEPS):
            total += answer[-1] % WORTH
            answer.append(total % VOCABULARY)
        answers.append(tuple(answer))
    assert total < VOCABULARY
    return answers


def hybrid(
    folder: Path,
    tokenizer: Path,
    constants: dict[str, object],
    encodings: tuple[CacheEncodings, CacheEncodings] = (PREFILL, DECODE),
    mask_rank: int = 4,
) -> RunFiles:
    prefill, decode = encodings
    graphs = {"kv_forward": Graph(1, decode), "prefill_forward": Graph(PREFILL_AR, prefill)}
    return save_summing_model(folder, graphs, constants, tokenizer, mask_rank)


def converse(
    files: RunFiles,
    image: str,
    run_mode: Mode = "hybrid",
    observer: Observer | None = None,
    *,
    temperature: float = 0.0,
    upstream_compat: bool = False,
    requantization: bool = True,
) -> list[tuple[int, ...]]:
    options = RunOptions(
        mode=run_mode,
        max_new_tokens=STEPS,
        ignore_eos=True,
        temperature=temperature,
        upstream_compat=upstream_compat,
        requantization=requantization,
    )
    runner = MultimodalRunner(files, FAMILY, options, observer)
    request = Request(id="sum", prompts=PROMPTS, images=(image,))
    return [turn.token_ids for turn in runner.run(request).turns]


@pytest.fixture(scope="module")
def requantized(tmp_path_factory: pytest.TempPathFactory, tokenizer: Path) -> RunFiles:
    folder = tmp_path_factory.mktemp("requantized")
    return hybrid(folder, tokenizer, requantized_metadata(PREFILL, DECODE))


@pytest.mark.parametrize("upstream_compat", [False, True])
def test_a_requantized_file_answers_right_in_every_turn(
    requantized: RunFiles, black: str, expected: list[tuple[int, ...]], upstream_compat: bool
) -> None:
    log = Log()
    assert converse(requantized, black, observer=log, upstream_compat=upstream_compat) == expected
    assert "Text decoder as of #20488, July 2026; KV encodings: requantized" in log.lines


def test_without_requantization_it_answers_wrong(
    requantized: RunFiles, black: str, expected: list[tuple[int, ...]]
) -> None:
    answers = converse(requantized, black, requantization=False)
    assert answers[0][0] == expected[0][0], "the first token comes from prefill alone"
    assert all(answer[1:] != right[1:] for answer, right in zip(answers, expected, strict=True))


def test_kv_mode_needs_no_requantization(
    requantized: RunFiles, black: str, expected: list[tuple[int, ...]]
) -> None:
    assert converse(requantized, black, "kv") == expected
    assert converse(requantized, black, "kv", requantization=False) == expected


def test_shared_encodings_are_left_alone(
    tmp_path: Path, tokenizer: Path, black: str, expected: list[tuple[int, ...]]
) -> None:
    files = hybrid(tmp_path, tokenizer, shared_metadata(DECODE), (DECODE, DECODE))
    assert converse(files, black) == expected
    assert converse(files, black, requantization=False) == expected


def test_an_integer_cache_whose_file_tells_nothing_is_left_alone(
    tmp_path: Path, tokenizer: Path, black: str, expected: list[tuple[int, ...]]
) -> None:
    files = hybrid(tmp_path, tokenizer, {}, (DECODE, DECODE))
    log = Log()
    assert converse(files, black, observer=log) == expected
    assert "Text decoder as of #20488, July 2026; KV encodings: none" in log.lines


def test_the_kv_file_of_january_2026_runs(
    tmp_path: Path, tokenizer: Path, black: str, expected: list[tuple[int, ...]]
) -> None:
    constants = requantized_metadata(None, DECODE) | {"modality_placeholder_token_id": 471}
    graphs = {"forward": Graph(1, DECODE)}
    files = save_summing_model(tmp_path, graphs, constants, tokenizer, mask_rank=3)
    log = Log()
    assert converse(files, black, "kv", log) == expected
    assert "Text decoder as of #16536, January 2026; KV encodings: requantized" in log.lines
    with pytest.raises(UserError, match=r"has no method \w*prefill_forward.*--eval_mode 0"):
        converse(files, black)


@pytest.mark.parametrize("run_mode", ["kv", "hybrid"])
def test_the_hybrid_file_of_january_2026_runs(
    tmp_path: Path,
    tokenizer: Path,
    black: str,
    expected: list[tuple[int, ...]],
    run_mode: Mode,
) -> None:
    constants = requantized_metadata(PREFILL, DECODE) | {"modality_placeholder_token_id": 471}
    log = Log()
    files = hybrid(tmp_path, tokenizer, constants, mask_rank=3)
    assert converse(files, black, run_mode, log) == expected
    assert "Text decoder as of #16536, January 2026; KV encodings: requantized" in log.lines


def test_the_file_of_march_2026_runs(
    tmp_path: Path, tokenizer: Path, black: str, expected: list[tuple[int, ...]]
) -> None:
    constants = shared_metadata(DECODE) | {"image_token_id": 471}
    log = Log()
    files = hybrid(tmp_path, tokenizer, constants, (DECODE, DECODE), mask_rank=3)
    assert converse(files, black, observer=log) == expected
    assert "Text decoder as of #17308, March 2026; KV encodings: shared" in log.lines


def test_a_temperature_needs_to_know_what_logits_mean(
    requantized: RunFiles, black: str, expected: list[tuple[int, ...]]
) -> None:
    with pytest.raises(UserError, match=r"--temperature 0.01 .* uint8 codes .* get_logits_scale"):
        converse(requantized, black, temperature=0.01)
    answers = converse(requantized, black, temperature=0.01, upstream_compat=True)
    assert answers == expected, "neighbouring codes are 100 temperatures apart"


def test_a_temperature_is_one_of_real_logits(
    tmp_path: Path, tokenizer: Path, black: str, expected: list[tuple[int, ...]]
) -> None:
    constants = requantized_metadata(PREFILL, DECODE)
    constants |= {"get_logits_scale": 0.001, "get_logits_zero_point": 7}
    files = hybrid(tmp_path, tokenizer, constants)
    assert converse(files, black) == expected
    assert converse(files, black, temperature=0.1, upstream_compat=True) == expected
    assert converse(files, black, temperature=0.1) != expected


def test_where_upstreams_tokenizer_fails_the_turn_ends_and_the_next_knows_no_answer(
    requantized: RunFiles,
    black: str,
    expected: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lacking, log = expected[0][2], Log()
    token_of = Tokenizer.token_of
    monkeypatch.setattr(
        Tokenizer, "token_of", lambda self, one: None if one == lacking else token_of(self, one)
    )
    first, second, _ = converse(requantized, black, observer=log, upstream_compat=True)
    assert first == expected[0][:3]
    answered = sum(token % WORTH for token in expected[0][:STEPS])
    assert second[0] == expected[1][0] - answered
    default = Log()
    assert converse(requantized, black, observer=default) == expected
    for one in (log, default):
        assert any(f"Token {lacking} is not in the tokenizer" in line for line in one.lines)

"""Answers of our runner and of the plain loop to the same questions, and how far they agree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch

from benchmarks.interop.plain_loop import PlainModel, PlainPiece
from harness.measure.accuracy import exact_match, first_difference, token_agreement
from harness.runtime.files import RunFiles
from harness.runtime.generation import Generation
from harness.runtime.image import load_pixels
from harness.runtime.request import Request, write_requests
from harness.vlm.mode import EVAL_MODES
from harness.vlm.prompt import ImagePiece, Piece, format_turn, place_images, split_pieces
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_tokenizer import UpstreamTokenizer
from harness.vocabulary import Mode


@dataclass(frozen=True)
class GeneratedAnswer:
    """What was generated in one conversation.

    Attributes:
        token_ids: Of all turns, stop tokens included.
        gaps: Between the two highest logit codes of every token.
        text: Of all turns, without stop tokens and surrounding blanks.
    """

    token_ids: tuple[int, ...]
    gaps: tuple[float, ...]
    text: str


class RunFailedError(RuntimeError):
    """The runner ended with an error; the message is what it printed."""


GeneratedAnswers = Mapping[str, GeneratedAnswer]
"""By request id."""


def run_runner(
    files: RunFiles,
    spec: VlmSpec,
    mode: Mode,
    requests: Sequence[Request],
    folder: Path,
    *,
    as_upstream: bool = False,
) -> GeneratedAnswers:
    """Let ``python -m harness.runtime`` answer, greedily and up to the end of the context.

    Args:
        files: Of one export or a mixture.
        spec: The model.
        mode: How to run, which the decoder file must allow.
        requests: What to ask.
        folder: For the runner's input and output.
        as_upstream: With ``--upstream_compat``.

    Raises:
        RunFailedError: If the runner does not end well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked, answered = folder / "requests.jsonl", folder / "generations.jsonl"
    write_requests(asked, requests)
    command = [
        *(sys.executable, "-m", "harness.runtime"),
        *("--encoder_path", str(files.encoder), "--tok_embedding_path", str(files.embedding)),
        *("--decoder_path", str(files.decoder), "--tokenizer_path", str(files.tokenizer)),
        *("--decoder_model_version", spec.family.name, "--eval_mode", str(EVAL_MODES[mode])),
        *("--seq_len", str(spec.context_length), "--temperature", "0", "--record_margins"),
        *("--requests", str(asked), "--generations_path", str(answered)),
        *(["--upstream_compat"] if as_upstream else []),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise RunFailedError(f"{' '.join(command)}\n{finished.stdout}\n{finished.stderr}")
    lines = answered.read_text(encoding="utf-8").splitlines()
    generations = [Generation.model_validate_json(line) for line in lines]
    tokenizer = _tokenizer(files, as_upstream)
    return {
        one.request_id: _conversation(
            [(turn.token_ids, turn.top2_gaps or ()) for turn in one.turns], tokenizer, spec
        )
        for one in generations
    }


def run_plain_loop(
    files: RunFiles,
    spec: VlmSpec,
    mode: Mode,
    requests: Sequence[Request],
    chunk: int,
    *,
    as_upstream: bool = False,
) -> GeneratedAnswers:
    """Answer the same with the plain loop, in this process.

    Args:
        files: Of one export or a mixture.
        spec: The model.
        mode: In hybrid mode prompts go through ``prefill_forward``.
        requests: What to ask.
        chunk: Prompt tokens per call.
        as_upstream: With the cache, ids and stop tokens of upstream's runner.
    """
    prefill = "kv_forward" if mode == "kv" else "prefill_forward"
    model = PlainModel(*files.programs, prefill, chunk, as_upstream=as_upstream)
    tokenizer = _tokenizer(files, as_upstream)
    stop_ids = tokenizer.stop_ids(spec.family)
    answers = {}
    for request in requests:
        plain = model.converse(_turns(request, spec, tokenizer), stop_ids)
        answered = [(turn.token_ids, turn.gaps) for turn in plain]
        answers[request.id] = _conversation(answered, tokenizer, spec)
    return answers


def _tokenizer(files: RunFiles, as_upstream: bool) -> Tokenizer:
    return (UpstreamTokenizer if as_upstream else Tokenizer)(files.tokenizer)


def _turns(request: Request, spec: VlmSpec, tokenizer: Tokenizer) -> list[list[PlainPiece]]:
    size, how = spec.vision.image_size_px, spec.family.preprocessing
    images = iter(request.images)

    def piece_of(piece: Piece) -> PlainPiece:
        if isinstance(piece, ImagePiece):
            return torch.from_numpy(load_pixels(next(images), size, how))
        return tokenizer.encode(piece.text)

    prompts = place_images(request.prompts, len(request.images))
    formatted = (format_turn(one, request.system_prompt, spec.family.prompt) for one in prompts)
    return [[piece_of(piece) for piece in split_pieces(turn)] for turn in formatted]


def _conversation(
    turns: Sequence[tuple[Sequence[int], Sequence[float]]], tokenizer: Tokenizer, spec: VlmSpec
) -> GeneratedAnswer:
    stop_ids = tokenizer.stop_ids(spec.family)
    texts = [
        tokenizer.decode(token_id for token_id in token_ids if token_id not in stop_ids).strip()
        for token_ids, _ in turns
    ]
    return GeneratedAnswer(
        token_ids=tuple(chain.from_iterable(token_ids for token_ids, _ in turns)),
        gaps=tuple(chain.from_iterable(gaps for _, gaps in turns)),
        text=" / ".join(texts),
    )


@dataclass(frozen=True)
class FirstDifference:
    """Where two answers to one question part.

    Attributes:
        request_id: The question.
        position: Index of the first token that differs.
        gap: Codes between the two best logits of the reference there; None beyond its end.
    """

    request_id: str
    position: int
    gap: float | None


@dataclass(frozen=True)
class Agreement:
    """Two sets of answers beside each other.

    Attributes:
        identical: Share of answers with the same tokens.
        tokens: Mean share of equal positions (``token_agreement``).
        differences: The answers that are not the same.
    """

    identical: float
    tokens: float
    differences: tuple[FirstDifference, ...]


def agree(
    answers: Mapping[str, GeneratedAnswer], reference: Mapping[str, GeneratedAnswer]
) -> Agreement:
    """Compare answers, question by question.

    Raises:
        ValueError: If they are not answers to the same questions, or there are none.
    """
    if answers.keys() != reference.keys():
        raise ValueError(f"{sorted(answers)} were asked, and {sorted(reference)} of the reference")
    pairs = [(name, answers[name], reference[name]) for name in sorted(answers)]
    found = [one.token_ids for _, one, _ in pairs]
    wanted = [other.token_ids for _, _, other in pairs]
    return Agreement(
        identical=exact_match(found, wanted),
        tokens=token_agreement(found, wanted),
        differences=tuple(filter(None, (_difference(*pair) for pair in pairs))),
    )


def correct_share(answers: Mapping[str, GeneratedAnswer], expected: Mapping[str, str]) -> float:
    """Share of answers whose text is the right one."""
    names: Sequence[str] = sorted(expected)
    return exact_match([answers[name].text for name in names], [expected[name] for name in names])


def _difference(
    name: str, answer: GeneratedAnswer, reference: GeneratedAnswer
) -> FirstDifference | None:
    position = first_difference(answer.token_ids, reference.token_ids)
    if position is None:
        return None
    gap = reference.gaps[position] if position < len(reference.gaps) else None
    return FirstDifference(name, position, gap)

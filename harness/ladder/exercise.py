"""A conversation that every stage is put through, with what each of its parts is given.

All of it comes from the float model: a stage's encoder gets the float model's pixels, its decoder
the float model's rows and answers. So no part answers for another, and errors do not hide behind
an answer that went elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.ladder.signals import Array, Reading
from harness.runtime.embedding import TokenizedPiece
from harness.runtime.request import Request


@dataclass(frozen=True)
class ExerciseTurn:
    """A prompt and the float model's answer to it.

    Attributes:
        pieces: Ids of the prompt's text, and places of its pictures.
        pixels: float32 ``[1, 3, side, side]`` of each picture.
        features: float32 ``[tokens_per_image, hidden]`` that the encoder makes of each.
        prompt_rows: float32 ``[prompt tokens, hidden]`` that the decoder reads.
        answer_ids: The answer, stop token included where there is one.
        is_over: Whether it ended by itself.
        answer_rows: float32 ``[len(answer_ids) - 1, hidden]``, for the last token is never read.
    """

    pieces: tuple[TokenizedPiece, ...]
    pixels: tuple[Array, ...]
    features: tuple[Array, ...]
    prompt_rows: Array
    answer_ids: tuple[int, ...]
    is_over: bool
    answer_rows: Array

    @property
    def text_ids(self) -> tuple[int, ...]:
        """All ids that the token embedding is asked for, the answer's included."""
        spoken = [token for piece in self.pieces if isinstance(piece, list) for token in piece]
        return (*spoken, *self.answer_ids[:-1])


@dataclass(frozen=True)
class Exercise:
    """A conversation, and what the float model made of it.

    Attributes:
        request: As a runner is asked.
        turns: In order.
        stop_ids: Tokens that end an answer.
        reading: The float model's.
    """

    request: Request
    turns: tuple[ExerciseTurn, ...]
    stop_ids: frozenset[int]
    reading: Reading

    @property
    def tokens(self) -> int:
        """Positions that it takes."""
        return sum(len(turn.prompt_rows) + len(turn.answer_rows) for turn in self.turns)

"""Whether a stage that may say what it wants says what its own logits choose, and then stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.ladder.exercise import Exercise
from harness.measure.run_stats import StopReason


@dataclass(frozen=True)
class FreeAnswer:
    """An answer of a stage that nobody holds by the hand.

    Attributes:
        token_ids: What it says, stop token included.
        chosen_ids: The best token of each row of logits that a token was chosen from.
        stop_reason: Why it ended.
    """

    token_ids: tuple[int, ...]
    chosen_ids: tuple[int, ...]
    stop_reason: StopReason


def contradictions(exercise: Exercise, answers: Sequence[FreeAnswer]) -> list[str]:
    """What of a stage's answers its own logits do not explain.

    What it says may be another answer than the float model's: its encoder and its table are its
    own here, and may round. But each token has to be its logits' best, and the answer has to end
    at the first stop token.

    Args:
        exercise: What was asked.
        answers: What the stage says, turn by turn.
    """
    stops = exercise.stop_ids
    for index, answer in enumerate(answers):
        where = f"in turn {index + 1}" if index else "in the answer"
        said = answer.token_ids
        for position, (token, chosen) in enumerate(zip(said, answer.chosen_ids, strict=False)):
            if token != chosen:
                return [
                    f"in the runner: {where} it says token {token} at position {position}, where "
                    f"its logits choose token {chosen}"
                ]
        if any(token in stops for token in said[:-1]):
            return [f"in the runner: {where} it goes on behind the stop token"]
        if answer.stop_reason == "unknown":
            return [f"in the runner: {where} it ends at position {len(said)} without a stop token"]
    return []


def same_answers(exercise: Exercise, answers: Sequence[FreeAnswer]) -> list[bool]:
    """Whether each turn's answer is the float model's; one that was not let finish may go on."""
    return [
        answer.token_ids[: len(turn.answer_ids)] == turn.answer_ids
        and (not turn.is_over or len(answer.token_ids) == len(turn.answer_ids))
        for turn, answer in zip(exercise.turns, answers, strict=True)
    ]

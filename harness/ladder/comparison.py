"""Stages held against each other, signal by signal, and where the first of them drops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.ladder.bounds import LeastLikeness
from harness.ladder.signals import LOGITS, Array, Reading, Signal
from harness.measure.accuracy import sqnr_db
from harness.measure.likeness import Likeness, LogitLikeness, likeness, logit_likeness


@dataclass(frozen=True)
class Rung:
    """One signal of two neighbouring stages.

    Attributes:
        before: The last stage before that has the signal.
        behind: The stage that is compared.
        signal: Over all exercises.
        likeness: Of both.
        logits: What they would choose; None of other signals.
        bound: What is asked of them.
    """

    before: str
    behind: str
    signal: Signal
    likeness: Likeness
    logits: LogitLikeness | None
    bound: LeastLikeness

    @property
    def holds(self) -> bool:
        """Whether the signal is kept."""
        found = self.likeness
        return found.sqnr_db >= self.bound.whole and found.worst_channel_db >= self.bound.channel

    @property
    def described(self) -> str:
        """What was found, in words."""
        found = self.likeness
        told = f"{self.signal.described} at {found.sqnr_db:.1f} dB (at least {self.bound.whole:g})"
        if found.sqnr_db >= self.bound.whole:
            told = (
                f"a channel of {self.signal.described} at {found.worst_channel_db:.1f} dB (at least"
                f" {self.bound.channel:g})"
            )
        return told


def compare(
    before: Sequence[Reading],
    behind: Sequence[Reading],
    names: Mapping[Signal, str],
    stage: str,
    bound_of: Callable[[Signal], LeastLikeness],
    owed: Callable[[Signal], bool] = lambda signal: False,
) -> list[Rung]:
    """Hold a stage against what came before it.

    Args:
        before: By exercise, each signal as the last stage had it that has it.
        behind: By exercise, those of the stage.
        names: Which stage each signal before is of.
        stage: Name of the stage.
        bound_of: What is asked of a signal.
        owed: Whether a signal that the stage lacks is lost, or one that it cannot have.

    Returns:
        One for each signal that both have, or that is lost, in the order of the flow of data.
    """
    rungs = []
    for signal, pairs in _pairs(before, behind, owed):
        logits = None
        if signal.name in LOGITS and _are_alike(pairs):
            logits = logit_likeness(
                *([row for one in side for row in one] for side in zip(*pairs, strict=True))
            )
        rungs.append(Rung(names[signal], stage, signal, _likeness(pairs), logits, bound_of(signal)))
    return rungs


def likenesses(before: Sequence[Reading], behind: Sequence[Reading]) -> dict[Signal, Likeness]:
    """How like each other two stages are, by signal.

    Args:
        before: By exercise, what one made of it.
        behind: What the other did.
    """
    return {signal: _likeness(pairs) for signal, pairs in _pairs(before, behind)}


Pairs = list[tuple[Array, Array]]


def _pairs(
    before: Sequence[Reading],
    behind: Sequence[Reading],
    owed: Callable[[Signal], bool] = lambda signal: False,
) -> Iterator[tuple[Signal, Pairs]]:
    """Signals in the order of the flow of data, with their rows by exercise."""
    known = {signal for one in before for signal in one}
    found = {signal for one in behind for signal in one}
    for signal in sorted(known, key=lambda one: one.order):
        if signal in found or owed(signal):
            yield (
                signal,
                [
                    (_rows(signal, one[signal]), _rows(signal, other.get(signal, one[signal][:0])))
                    for one, other in zip(before, behind, strict=True)
                    if signal in one and (signal in other or owed(signal))
                ],
            )


def _are_alike(pairs: Pairs) -> bool:
    return all(was.shape == now.shape for was, now in pairs)


def _likeness(pairs: Pairs) -> Likeness:
    if not _are_alike(pairs):
        return _OTHER_SHAPE
    was, now = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return likeness(was, now)


_OTHER_SHAPE = Likeness(-math.inf, 0.0, math.inf, -math.inf)
"""Of what is not even as long as it should be."""


def total_likeness(
    before: Sequence[Reading], behind: Sequence[Reading]
) -> tuple[float, LogitLikeness]:
    """How like each other the logits of two stages are, over all steps of all exercises."""
    was, now = (np.concatenate([logits_of(one) for one in side]) for side in (before, behind))
    if was.shape != now.shape:
        return -math.inf, LogitLikeness(len(was), 0.0, 0.0, (math.inf,) * len(was))
    return sqnr_db(was, now), logit_likeness(list(was), list(now))


def logits_of(reading: Reading) -> Array:
    """All rows of logits, ``[steps, vocabulary]``, in the order in which they choose tokens."""
    signals = sorted((one for one in reading if one.name in LOGITS), key=lambda one: one.order)
    rows = [_rows(one, reading[one]) for one in signals]
    return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def _rows(signal: Signal, values: Array) -> Array:
    """A signal as ``[rows, channels]``."""
    name = signal.name
    if name in ("keys", "kept keys"):
        rows: Array = values.reshape(-1, values.shape[-1]).T
        return rows
    if name in ("values", "kept values"):
        return values.transpose(1, 0, 2).reshape(values.shape[1], -1)
    if name == "pixels":
        return values.transpose(0, 2, 3, 1).reshape(-1, values.shape[1])
    return values.reshape(-1, values.shape[-1])


@dataclass(frozen=True)
class Ladder:
    """All stages of an artifact.

    Attributes:
        rungs: Stage by stage, signals in the order of the flow of data.
        sqnr_db: Of the logits of the files against the float model's, over all steps.
        held: What both would choose, step by step, with answers held by the hand.
        same_answers: Share of turns in which the files say what the float model says, left alone;
            None where they were not asked.
        answers: What is wrong with how files answer, or why they do not.
    """

    rungs: tuple[Rung, ...]
    sqnr_db: float
    held: LogitLikeness
    same_answers: float | None = None
    answers: tuple[str, ...] = ()

    @cached_property
    def drop(self) -> Rung | None:
        """The first signal that is not kept: of the first stage that loses any."""
        return next((rung for rung in self.rungs if not rung.holds), None)

    @property
    def lost(self) -> tuple[Rung, ...]:
        """All signals that some stage does not keep."""
        return tuple(rung for rung in self.rungs if not rung.holds)

    @property
    def accusation(self) -> str | None:
        """Where the signal drops, in a sentence; None where it does not."""
        if (drop := self.drop) is not None:
            place = drop.signal.component or "runner"
            told = (
                f"between {drop.before} and {drop.behind}, in the {place.replace('_', ' ')}: "
                f"{drop.described}"
            )
            return "; ".join([told, *self.answers[:1]])
        return self.answers[0] if self.answers else None

"""Rows of the ladder: one signal at two neighbouring stages of a model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.results.rows.basics import Subject, Text, UtcTime, utc_now
from harness.vocabulary import Component


class LadderRow(Subject):
    """What a stage kept of one signal, over all conversations of a ladder.

    Attributes:
        before: The last stage before that has the signal.
        behind: The stage that is held against it.
        place: Position in the flow of data, among the signals of the ladder.
        signal: What is compared, ``keys`` for instance.
        layer: Whose, from 0; None of what has no layers.
        turn: Of the conversation, from 0.
        component: Which file makes it; None for what the runner does itself.
        sqnr_db: Signal to noise of the whole, infinite where both are equal.
        channel_db: Signal to noise of the worst channel.
        cosine: Of the angle between both.
        largest_error: As a share of the largest value before.
        least_db: What is asked of ``sqnr_db``.
        least_channel_db: What is asked of ``channel_db``.
        top1: Of logits, share of steps with the same best token; None of other signals.
        top5: Of logits, share of steps whose best token before is among the five best behind.
        kl_nats: Of logits, mean divergence of what they would choose.
        kept: Whether both are at least what is asked.
        at: When it was found.
    """

    kind: Literal["ladder"] = "ladder"
    before: Text
    behind: Text
    place: int = Field(ge=0)
    signal: str
    layer: int | None = None
    turn: int = Field(ge=0)
    component: Component | None = None
    sqnr_db: float
    channel_db: float
    cosine: float
    largest_error: float
    least_db: float
    least_channel_db: float
    top1: float | None = None
    top5: float | None = None
    kl_nats: float | None = None
    kept: bool
    at: UtcTime = Field(default_factory=utc_now)

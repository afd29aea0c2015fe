"""Gates that somebody has put aside for a while: who, why, and until when (statistics §2.8).

A row is ``[[quarantine]]`` in ``thresholds/quarantine.toml``, validated as ``Quarantine``. Ask
``find_quarantine`` for the row of a verdict and ``state`` what it does today;
``propose_quarantine`` writes the row for a gate that cannot make up its mind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum

from pydantic import Field, model_validator

from harness.measure.gate import SELECTORS, Context, Selection
from harness.measure.verdict import Status
from harness.measure.wording import render_row

DURATION = timedelta(days=14)
"""How long a proposed quarantine lasts."""


class QuarantineState(StrEnum):
    """What a row does on a given day."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class Quarantine(Selection):
    """One row of ``thresholds/quarantine.toml``.

    Attributes:
        owner: Who works on it.
        reason: What is wrong, in words.
        since: First day on which it holds.
        expires: Last day on which it holds; it fails from the day after.
    """

    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    since: date
    expires: date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Quarantine:
        if self.expires < self.since:
            raise ValueError(f"expires {self.expires} is before since {self.since}")
        return self

    def state(self, today: date) -> QuarantineState:
        """Whether the row holds on a day."""
        if today < self.since:
            return QuarantineState.PENDING
        return QuarantineState.ACTIVE if today <= self.expires else QuarantineState.EXPIRED

    def describe(self) -> str:
        """``decode_tps of smolvlm_500m (soc=SM8650), Ada until 2026-02-01: reason``."""
        where = f" ({self.selectors})" if self.selectors else ""
        return (
            f"{self.metric} of {self.model}{where}, {self.owner} until {self.expires}:"
            f" {self.reason}"
        )


def find_quarantine(
    rows: Iterable[Quarantine], metric: str, context: Context, today: date
) -> Quarantine | None:
    """The row that holds for a metric measured there, None if there is none.

    An active row wins over an expired one; among several the one that expires last.
    """
    begun = [
        row
        for row in rows
        if row.applies_to(metric, context) and row.state(today) is not QuarantineState.PENDING
    ]
    return max(begun, key=lambda row: row.expires, default=None)


def expired(rows: Iterable[Quarantine], today: date) -> list[Quarantine]:
    """Rows that fail a night by themselves: repaired or extended, they must leave the file."""
    return [row for row in rows if row.state(today) is QuarantineState.EXPIRED]


def quarantine_cause(before: Status, now: Status, held: Sequence[str]) -> str | None:
    """Why a gate should be put aside, None if it should not.

    Two inconclusive nights running, or a flip between PASS and FAIL, where nothing differs that
    might explain it. What did differ is looked at instead.

    Args:
        before: How it ended when it was judged last.
        now: How it ended now.
        held: What is known to be the same, in words; empty where anything is not.
    """
    if not held:
        return None
    same = f"with the same {', '.join(held[:-1])} and {held[-1]}"
    if before is now is Status.INCONCLUSIVE:
        return f"inconclusive two nights running {same}"
    if {before, now} == {Status.PASS, Status.FAIL}:
        return f"{before} turned to {now} {same}"
    return None


def propose_quarantine(
    metric: str, context: Context, reason: str, *, owner: str, today: date
) -> Quarantine:
    """The row to add for a gate that cannot make up its mind.

    Args:
        metric: Name of the metric.
        context: Where it was measured; the row applies exactly there.
        reason: From ``quarantine_cause``.
        owner: Who shall work on it.
        today: The row's first day; it lasts 14 days.
    """
    return Quarantine(
        metric=metric,
        model=context.model,
        **{name: getattr(context, name) for name in SELECTORS},
        protocol=context.protocol,
        workload=context.workload,
        owner=owner,
        reason=reason,
        since=today,
        expires=today + DURATION,
    )


def render_quarantine(row: Quarantine) -> str:
    """The row as ``[[quarantine]]`` in TOML."""
    return render_row("quarantine", row.model_dump(exclude_defaults=True))

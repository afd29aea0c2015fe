"""How a test ends: one status and one sentence, from all that was judged in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.measure.comparison import Outcome
from harness.measure.quarantine import Quarantine
from harness.measure.verdict import Status
from harness.results.rows.schema import ComparisonRow, VerdictRow

Judged = TypeVar("Judged", VerdictRow, ComparisonRow)
"""What was judged of one metric, by a gate or against another artifact."""

_STATUS = {
    Outcome.SAME: Status.PASS,
    Outcome.FASTER: Status.PASS,
    Outcome.SLOWER: Status.FAIL,
    Outcome.INCONCLUSIVE: Status.INCONCLUSIVE,
    Outcome.BLOCKED: Status.BLOCKED,
}

_SEVERITY = (Status.FAIL, Status.BLOCKED, Status.INCONCLUSIVE, Status.NO_GATE, Status.PASS)

_NOTES_IN_SENTENCE = 3


@dataclass(frozen=True)
class Conclusion:
    """The end of a test.

    Attributes:
        status: Of the worst verdict that counts.
        sentence: Its evidence.
        notes: Single findings behind it, most telling first: a wrong answer, for instance.
        quarantine: The row by which it turns nothing red; None where it counts.
    """

    status: Status
    sentence: str
    notes: tuple[str, ...] = ()
    quarantine: Quarantine | None = None


def status_of(row: VerdictRow | ComparisonRow) -> Status:
    """The status of a verdict, or the one that a comparison ends its test with."""
    return row.status if isinstance(row, VerdictRow) else _STATUS[Outcome(row.outcome)]


def worst(rows: Iterable[Judged]) -> Judged:
    """The row that decides how a test with several of them ends."""
    return min(rows, key=lambda row: _SEVERITY.index(status_of(row)))


def with_notes(row: Judged, notes: Sequence[str]) -> Judged:
    """A row whose sentence ends with the first findings behind it.

    A proposed gate ends its sentence and has to stay TOML that can be copied.
    """
    if not notes or (isinstance(row, VerdictRow) and row.proposed_gate is not None):
        return row
    shown = [*notes[:_NOTES_IN_SENTENCE]]
    more = len(notes) - len(shown)
    listed = "; ".join(shown + ([f"and {more} more"] if more else []))
    return row.model_copy(update={"sentence": f"{row.sentence}; {listed}"})

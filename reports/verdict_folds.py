"""Which green rows of the table of verdicts are folded: a green night fits on a screen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.standing import UNALARMING
from reports.verdict_table import VerdictLine

FEW = 12
"""So many green rows need no folding."""

OPEN_METRICS = 8
"""Metrics whose tightest gate is shown at first."""

REST = "rest"
"""Fold of the metrics beyond those."""


@dataclass(frozen=True)
class FoldedLine:
    """A verdict in the place that it has in the table.

    Attributes:
        folds: What has to be opened for it to be seen, all of it.
        more: Rows of the same metric that are folded behind it.
    """

    line: VerdictLine
    folds: tuple[str, ...] = ()
    more: int = 0


def fold_verdicts(lines: Sequence[VerdictLine]) -> tuple[FoldedLine, ...]:
    """What is not green first and open; then of every metric the gate with the least room.

    Args:
        lines: In the order of the table; that of the green ones is of no account.
    """
    green = [line for line in lines if line.status in UNALARMING]
    others = [FoldedLine(line) for line in lines if line.status not in UNALARMING]
    if len(green) <= FEW:
        return (*others, *map(FoldedLine, sorted(green, key=_room)))
    return (*others, *_by_metric(green))


def by_room(lines: Sequence[VerdictLine]) -> list[VerdictLine]:
    """Worst first, then those with the least room to their gate."""
    return sorted(lines, key=lambda line: (line.severity, _room(line)))


def _by_metric(green: Sequence[VerdictLine]) -> Iterator[FoldedLine]:
    alike = groupby(sorted(green, key=lambda line: line.metric), key=lambda line: line.metric)
    groups = [sorted(lines, key=_room) for _, lines in alike]
    for place, (tightest, *others) in enumerate(sorted(groups, key=lambda lines: _room(lines[0]))):
        hidden = (REST,) if place >= OPEN_METRICS else ()
        yield FoldedLine(tightest, hidden, len(others))
        yield from (FoldedLine(line, (*hidden, line.metric)) for line in others)


def _room(line: VerdictLine) -> tuple[object, ...]:
    margin = math.inf if line.margin is None else line.margin
    return (margin, line.metric, line.model, line.subject, line.device)

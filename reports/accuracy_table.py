"""Accuracy by kind of question: which questions a model gets wrong, and whether it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.measure.accuracy_delta import AccuracyDelta, ScoredPair, accuracy_delta
from harness.results.rows.schema import AnswerRow
from reports.wording import subject_words


@dataclass(frozen=True)
class Hits:
    """``hits`` of ``total`` answers."""

    hits: int
    total: int

    @property
    def percent(self) -> float:
        """Share in percent."""
        return 100 * self.hits / self.total


@dataclass(frozen=True)
class AccuracyLine:
    """Right answers of one configuration with one variant of the images.

    Attributes:
        by_kind: In the order of the table's kinds; None where nothing was asked.
        same_as_float: Answers equal to the float model's, None where it was not asked.
        delta: Share of right answers minus the float model's on the same questions; None where it
            was not asked, without the questions' own images, and for too few images.
    """

    subject: str
    variant: str
    by_kind: tuple[Hits | None, ...]
    overall: Hits
    same_as_float: Hits | None
    delta: AccuracyDelta | None


@dataclass(frozen=True)
class AccuracyTable:
    """One model's right answers by kind of question."""

    model: str
    kinds: tuple[str, ...]
    lines: tuple[AccuracyLine, ...]


def accuracy_tables(answers: Sequence[AnswerRow]) -> tuple[AccuracyTable, ...]:
    """One table per model, configurations in alphabetical order, the real images first."""
    ordered = sorted(answers, key=_group)
    models = groupby(ordered, key=lambda row: row.model or "")
    return tuple(_table(model, list(rows)) for model, rows in models)


def _group(row: AnswerRow) -> tuple[str, str, bool, str]:
    return (row.model or "", subject_words(row), row.variant != "real", row.variant)


def _table(model: str, rows: Sequence[AnswerRow]) -> AccuracyTable:
    kinds = tuple(sorted({row.question_kind for row in rows}))
    lines = [_line(list(group), kinds) for _, group in groupby(rows, key=_group)]
    return AccuracyTable(model, kinds, tuple(lines))


def _line(rows: Sequence[AnswerRow], kinds: Sequence[str]) -> AccuracyLine:
    of_kind = [[row for row in rows if row.question_kind == kind] for kind in kinds]
    compared = [row for row in rows if row.reference is not None]
    same = sum(row.given == row.reference for row in compared)
    return AccuracyLine(
        subject=subject_words(rows[0]),
        variant=rows[0].variant,
        by_kind=tuple(_right(asked) if asked else None for asked in of_kind),
        overall=_right(rows),
        same_as_float=Hits(same, len(compared)) if compared else None,
        delta=accuracy_delta(_scored(compared)) if rows[0].variant == "real" else None,
    )


def _scored(rows: Sequence[AnswerRow]) -> list[ScoredPair]:
    """Both models by one rule, whatever rule a suite judged with: the expected words."""
    return [
        ScoredPair(
            image=row.image or row.sample_id,
            reference=float(row.reference == row.expected),
            measured=float(row.given == row.expected),
        )
        for row in rows
    ]


def _right(rows: Sequence[AnswerRow]) -> Hits:
    return Hits(sum(row.correct for row in rows), len(rows))

"""Accuracy by kind of question: which questions a model gets wrong, and whether it looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.measure.accuracy import missing_features, required_features
from harness.measure.accuracy_delta import AccuracyDelta, ScoredPair, accuracy_delta
from harness.measure.metrics import METRICS
from harness.results.rows.schema import AnswerRow, Variant
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
    """Right answers of one configuration to one set of questions.

    Attributes:
        subject: Mode, precision, target, SoC.
        device: That answered.
        variant: Of the pictures: ``real``, ``blank`` or ``swapped``.
        by_kind: Each kind of question, the one with the smallest share first.
        overall: Of all kinds. Sets are never added up: 24 scenes and 4 golden pictures make no 28
            of anything.
        same_as_float: Answers equal to the float model's, None where it was not asked.
        delta: Share of right answers minus the float model's on the same questions; None where it
            was not asked, without the questions' own images, and for too few images.
    """

    subject: str
    device: str
    variant: Variant
    by_kind: tuple[tuple[str, Hits], ...]
    overall: Hits
    same_as_float: Hits | None
    delta: AccuracyDelta | None


@dataclass(frozen=True)
class AccuracyTable:
    """One model's right answers, the questions with their own pictures first."""

    model: str
    lines: tuple[AccuracyLine, ...]


def is_of_accuracy(metric: str) -> bool:
    """Whether a metric says how good answers are."""
    return metric in METRICS and METRICS[metric].kind == "accuracy"


def accuracy_tables(answers: Sequence[AnswerRow]) -> tuple[AccuracyTable, ...]:
    """One table per model, configurations in alphabetical order."""
    models = groupby(sorted(answers, key=_model), key=_model)
    return tuple(AccuracyTable(model, tuple(_lines(list(rows)))) for model, rows in models)


def _model(row: AnswerRow) -> str:
    return row.model or ""


def _lines(rows: Sequence[AnswerRow]) -> Iterator[AccuracyLine]:
    for _, alike in groupby(sorted(rows, key=_configuration), key=_configuration):
        for asked in _question_sets(list(alike)):
            yield _line(asked)


def _configuration(row: AnswerRow) -> tuple[bool, str, str, str]:
    return (row.variant != "real", subject_words(row), row.variant, row.device or "")


def _question_sets(rows: Sequence[AnswerRow]) -> Iterator[Sequence[AnswerRow]]:
    """Questions that a test put together; a set that several processes asked counts once."""
    by_test: dict[str, dict[tuple[str, str], AnswerRow]] = defaultdict(dict)
    for row in rows:
        by_test[row.test_id].setdefault((row.sample_id, row.question), row)
    sets = {frozenset(asked): list(asked.values()) for asked in by_test.values()}
    yield from sorted(sets.values(), key=len, reverse=True)


def _line(rows: Sequence[AnswerRow]) -> AccuracyLine:
    kinds: dict[str, list[AnswerRow]] = defaultdict(list)
    for row in rows:
        kinds[row.question_kind].append(row)
    shares = sorted((_right(asked).percent, kind) for kind, asked in kinds.items())
    compared = [row for row in rows if row.reference is not None]
    same = sum(row.given == row.reference for row in compared)
    variant = rows[0].variant
    return AccuracyLine(
        subject=subject_words(rows[0]),
        device=rows[0].device or "",
        variant=variant,
        by_kind=tuple((kind, _right(kinds[kind])) for _, kind in shares),
        overall=_right(rows),
        same_as_float=Hits(same, len(compared)) if compared else None,
        delta=accuracy_delta(_scored(compared)) if variant == "real" else None,
    )


def _scored(rows: Sequence[AnswerRow]) -> list[ScoredPair]:
    """Both models by one rule, whatever rule a suite judged with: the expected words."""
    return [
        ScoredPair(
            image=row.image or row.sample_id,
            reference=float(_is_right(row.reference or "", row)),
            measured=float(_is_right(row.given, row)),
        )
        for row in rows
    ]


def _is_right(text: str, row: AnswerRow) -> bool:
    features = required_features(row.question_kind, row.expected)
    return not missing_features(text, features) if features else text == row.expected


def _right(rows: Sequence[AnswerRow]) -> Hits:
    return Hits(sum(row.correct for row in rows), len(rows))

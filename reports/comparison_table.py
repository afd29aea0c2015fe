"""Two artifacts compared on one device, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.wording import number, plural
from harness.results.rows.schema import ComparisonRow
from reports.wording import anchor, percent, rounded, subject_words

_ORDER = ("slower", "faster", "inconclusive", "blocked", "same")
_TONES = {
    "slower": "fail",
    "faster": "pass",
    "same": "pass",
    "inconclusive": "inconclusive",
    "blocked": "blocked",
}


@dataclass(frozen=True)
class ComparisonLine:
    """One metric of a candidate against its baseline, as the page's script shows it.

    Attributes:
        id: Stable fragment to link to.
        severity: Position in the order of outcomes, for sorting.
        tone: Name of the colour.
        model: Model and component.
        subject: Mode, precision, target, SoC.
        change: Share, None where nothing is known; with ``change_words``, ``-5.1 %``.
        interval: Its 95 % interval.
        baseline: Median, with the candidate's also as words in ``medians``.
        keys: Names of the artifacts, the baseline's first.
        base: How many pairs everything comes from, and the chance of such a difference.
    """

    id: str
    outcome: str
    severity: int
    tone: str
    quarantined: bool
    metric: str
    model: str
    subject: str
    device: str
    change: float | None
    change_words: str
    interval: str
    baseline: float | None
    candidate: float | None
    medians: tuple[str, str]
    keys: tuple[str, str]
    sentence: str
    base: str
    test: str


def comparison_lines(rows: Sequence[ComparisonRow]) -> tuple[ComparisonLine, ...]:
    """All comparisons of a run, slower ones first."""
    ordered = sorted(rows, key=lambda row: (_ORDER.index(row.outcome), row.model or "", row.metric))
    return tuple(map(_line, ordered))


def _line(row: ComparisonRow) -> ComparisonLine:
    # Neither key: a link stays good when both artifacts are built anew.
    named = (row.test_id, row.model, row.metric, row.component, subject_words(row), row.device)
    known = row.lower is not None and row.upper is not None
    return ComparisonLine(
        id=anchor("comparison", *named),
        outcome=row.outcome,
        severity=_ORDER.index(row.outcome),
        tone=_TONES[row.outcome],
        quarantined=row.quarantined,
        metric=row.metric,
        model=" · ".join(word for word in (row.model, row.component) if word),
        subject=subject_words(row),
        device=row.device or "",
        change=None if row.ratio is None else rounded(row.ratio - 1),
        change_words="" if row.ratio is None else _signed(row.ratio),
        interval=f"{_signed(row.lower or 0)} to {_signed(row.upper or 0)}" if known else "",
        baseline=rounded(row.baseline_median),
        candidate=rounded(row.candidate_median),
        medians=(_value(row.baseline_median), _value(row.candidate_median)),
        keys=row.names,
        sentence=row.sentence,
        base=plural(row.n_pairs, "pair") + (f", p = {row.p_value:.2g}" if row.p_value else ""),
        test=row.test_id,
    )


def _signed(ratio: float) -> str:
    return ("+" if ratio >= 1 else "\N{MINUS SIGN}") + percent(abs(ratio - 1))


def _value(value: float | None) -> str:
    return "–" if value is None else number(value)  # noqa: RUF001

"""Two artifacts compared on one device, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.wording import number, plural
from harness.results.rows.schema import ComparisonRow
from reports.anchors import anchor
from reports.wording import percent, subject_words

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
    """One metric of a candidate against its baseline.

    Attributes:
        anchor: Stable fragment to link to.
        row: Where everything comes from.
        severity: Position in the order of outcomes, for sorting.
        tone: Name of the colour.
        subject: Mode, precision, target, SoC.
        change: ``-5.1 %``, empty where nothing is known.
        interval: Its 95 % interval.
        medians: Baseline, candidate.
        base: How many pairs everything comes from, and the chance of such a difference.
    """

    anchor: str
    row: ComparisonRow
    severity: int
    tone: str
    subject: str
    change: str
    interval: str
    medians: tuple[str, str]
    base: str


def comparison_lines(rows: Sequence[ComparisonRow]) -> tuple[ComparisonLine, ...]:
    """All comparisons of a run, slower ones first."""
    ordered = sorted(rows, key=lambda row: (_ORDER.index(row.outcome), row.model or "", row.metric))
    return tuple(map(_line, ordered))


def _line(row: ComparisonRow) -> ComparisonLine:
    # Neither key: a link stays good when both artifacts are built anew.
    named = (row.test_id, row.model, row.metric, row.component, subject_words(row), row.device)
    known = row.lower is not None and row.upper is not None
    return ComparisonLine(
        anchor=anchor("comparison", *named),
        row=row,
        severity=_ORDER.index(row.outcome),
        tone=_TONES[row.outcome],
        subject=subject_words(row),
        change="" if row.ratio is None else _signed(row.ratio),
        interval=f"{_signed(row.lower or 0)} to {_signed(row.upper or 0)}" if known else "",
        medians=(_value(row.baseline_median), _value(row.candidate_median)),
        base=plural(row.n_pairs, "pair") + (f", p = {row.p_value:.2g}" if row.p_value else ""),
    )


def _signed(ratio: float) -> str:
    return ("+" if ratio >= 1 else "\N{MINUS SIGN}") + percent(abs(ratio - 1))


def _value(value: float | None) -> str:
    return "–" if value is None else number(value)  # noqa: RUF001

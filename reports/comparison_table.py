"""Two artifacts compared on one device, as the page shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from harness.measure.wording import plural
from harness.results.rows.schema import ComparisonRow
from harness.results.stand_in import stand_in
from reports.wording import anchor, change, measured, rounded, subject_words, unit_words

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
        stand_in: What computed both in a phone's place; empty for a device's own figures.
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
    stand_in: str
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


def comparison_lines(
    rows: Iterable[ComparisonRow], virtual_devices: Collection[str] = ()
) -> tuple[ComparisonLine, ...]:
    """All comparisons of a run, slower ones first.

    Args:
        rows: In any order.
        virtual_devices: Those of the run that do not exist.
    """
    ordered = sorted(rows, key=lambda row: (_ORDER.index(row.outcome), row.model or "", row.metric))
    return tuple(_line(row, row.device in virtual_devices) for row in ordered)


def _line(row: ComparisonRow, is_virtual: bool) -> ComparisonLine:
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
        stand_in=stand_in(row.metric, row.target, is_virtual) or "",
        change=None if row.ratio is None else rounded(row.ratio - 1),
        change_words="" if row.ratio is None else _signed(row.ratio),
        interval=f"{_signed(row.lower or 0)} to {_signed(row.upper or 0)}" if known else "",
        baseline=rounded(row.baseline_median),
        candidate=rounded(row.candidate_median),
        medians=(_value(row.baseline_median, row), _value(row.candidate_median, row)),
        keys=row.names,
        sentence=row.sentence,
        base=plural(row.n_pairs, "pair") + (f", p = {row.p_value:.2g}" if row.p_value else ""),
        test=row.test_id,
    )


def _signed(ratio: float) -> str:
    return change(ratio - 1)


def _value(value: float | None, row: ComparisonRow) -> str:
    return "–" if value is None else f"{measured(value, row.unit)} {unit_words(row.unit)}".strip()  # noqa: RUF001

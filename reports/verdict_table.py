"""The table of verdicts: each number beside its gate, with the samples behind it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.measure.metrics import METRICS
from harness.measure.wording import bound, number
from harness.results.rows import OutcomeRow, SampleRow, Subject, VerdictRow
from reports.headline import LABELS, SEVERITY
from reports.run import Run
from reports.strip_plot import StripPlot, strip_plot


@dataclass(frozen=True)
class VerdictLine:
    """One verdict as the page shows it.

    Attributes:
        row: Where everything comes from.
        anchor: Stable fragment to link to.
        label: The status in words.
        severity: Position in the order of statuses, for sorting.
        description: What the metric is.
        subject: Mode, precision, target, SoC.
        value: Median with its unit.
        interval: Bounds of the median; None where the value is exact or too few runs were made.
        gate: Its sides as text, ``≥ 50``; empty without one.
        margin: Distance from the median to the nearest bound, ``5.3 % inside``.
        sentence: The evidence without the TOML row that a NO GATE sentence ends with.
        invalid: Reasons why samples did not count.
        virtual: Measured on a virtual phone.
        plot: Samples beside the gate.
        rerun_command: Runs this test alone; None if the test never ended.
    """

    row: VerdictRow
    anchor: str
    label: str
    severity: int
    description: str
    subject: str
    value: str
    interval: str | None
    gate: tuple[str, ...]
    margin: str | None
    sentence: str
    invalid: tuple[str, ...]
    virtual: bool
    plot: StripPlot | None
    rerun_command: str | None


def verdict_lines(run: Run) -> tuple[VerdictLine, ...]:
    """All verdicts of a run, worst first, then by model and metric."""
    samples: dict[tuple[object, ...], list[SampleRow]] = defaultdict(list)
    for sample in run.samples:
        samples[_measured(sample)].append(sample)
    outcomes = {row.test_id: row for row in run.outcomes}
    lines = [_line(row, samples[_measured(row)], outcomes) for row in run.verdicts]
    return tuple(
        sorted(
            lines,
            key=lambda line: (
                line.severity,
                line.row.model or "",
                line.row.metric,
                line.row.component or "",
                line.subject,
            ),
        )
    )


def subject_words(row: Subject) -> str:
    """Mode, precision, target and SoC of a row, as far as they are known."""
    words = (row.mode, row.precision, row.target, row.soc)
    protocol = "upstream protocol" if row.protocol == "upstream" else None
    return " · ".join(word for word in (*words, protocol) if word)


def _measured(row: SampleRow | VerdictRow) -> tuple[object, ...]:
    # Without the test: one run yields samples of several metrics, which several tests judge.
    where = (row.model, row.target, row.soc, row.device, row.mode, row.precision, row.protocol)
    return (*where, row.artifact_key, row.metric, row.component)


def _line(
    row: VerdictRow, samples: Sequence[SampleRow], outcomes: Mapping[str, OutcomeRow]
) -> VerdictLine:
    ordered = sorted(samples, key=lambda sample: (sample.run_index, sample.at))
    metric = METRICS.get(row.metric)
    outcome = outcomes.get(row.test_id)
    reasons = (sample.invalid_reason for sample in ordered if not sample.valid)
    return VerdictLine(
        row=row,
        anchor=_anchor(row),
        label=LABELS[row.status],
        severity=SEVERITY.index(row.status),
        description=metric.description if metric else "",
        subject=subject_words(row),
        value="no value" if row.median is None else number(row.median),
        interval=_interval(row),
        gate=_gate(row),
        margin=_margin(row),
        sentence=row.sentence.partition("\n")[0].rstrip(":"),
        invalid=tuple(reason or "no reason given" for reason in reasons),
        virtual=any(sample.virtual for sample in ordered),
        plot=strip_plot(row, ordered),
        rerun_command=outcome.rerun_command if outcome else None,
    )


def _anchor(row: VerdictRow) -> str:
    # Links stay good from night to night, so nothing that a new build changes may be in them.
    named = (row.test_id, row.model, row.metric, row.component, subject_words(row), row.device)
    return "verdict-" + hashlib.sha256(repr(named).encode()).hexdigest()[:10]


def _interval(row: VerdictRow) -> str | None:
    if row.lower is None or row.upper is None or row.lower == row.upper:
        return None
    return f"{number(row.lower)} to {number(row.upper)}"


def _gate(row: VerdictRow) -> tuple[str, ...]:
    sides = (bound(row.gate_min, None), bound(None, row.gate_max))
    return tuple(side.replace(">=", "≥").replace("<=", "≤") for side in sides if side)


def _margin(row: VerdictRow) -> str | None:
    if row.median is None:
        return None
    sides = [(row.gate_min, 1), (row.gate_max, -1)]
    shares = [sign * (row.median - limit) / abs(limit) for limit, sign in sides if limit]
    if not shares:
        return None
    nearest = min(shares)
    return f"{abs(nearest):.1%} {'inside' if nearest >= 0 else 'outside'}".replace("%", " %")

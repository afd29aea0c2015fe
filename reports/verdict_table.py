"""The table of verdicts: each number beside its gate, with the samples behind it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.gate import gate_margin
from harness.measure.metrics import METRICS
from harness.measure.statistics import coefficient_of_variation
from harness.measure.wording import bound, number, plural
from harness.results.rows.schema import OutcomeRow, SampleRow, VerdictRow
from harness.results.run import Run
from harness.results.series import measured_by
from harness.results.stand_in import stand_in_of
from reports.accuracy_table import is_of_accuracy
from reports.headline import LABELS, SEVERITY
from reports.roofline import Roofline
from reports.strip_plot import StripPlot, strip_plot
from reports.wording import anchor, percent, subject_words, unit_words

_FAR_INSIDE = 2.0
"""From here a multiple of the gate is easier to read; only a lower bound leaves so much room."""


@dataclass(frozen=True)
class VerdictLine:
    """One verdict as the page shows it.

    Attributes:
        anchor: Stable fragment to link to.
        status: The verdict.
        label: The status in words.
        severity: Position in the order of statuses, for sorting.
        quarantined: Put aside: shown, but not counted.
        metric: What was measured.
        description: What the metric is.
        model: Model and component.
        subject: Mode, precision, target, SoC.
        device: Phone serial or host id.
        stand_in: What computed it in a phone's place; empty for a device's own figure.
        median: In ``unit``; None when there is none or it is not finite.
        value: The median in words.
        unit: Of the value; empty where there is none to tell.
        interval: Bounds of the median, how many runs they come from and how these scatter.
        gate: Its sides as text, ``≥ 50``; empty without one.
        margin: Share by which the median is inside of the nearest bound, negative for outside.
        roofline: Share of the bandwidth limit; None where it says nothing.
        roofline_source: Where the limit's traffic is known from.
        sentence: The evidence without the TOML row that a NO GATE sentence ends with.
        notes: Samples that did not count, and verdicts that a measurement from cold replaced.
        source: Where the gate comes from.
        artifact: Key of the artifact.
        test: pytest node id.
        rerun: Runs this test alone; None if the test never ended.
        proposed_gate: TOML row to add; None unless there is no gate.
        plot: Samples beside the gate.
    """

    anchor: str
    status: str
    label: str
    severity: int
    quarantined: bool
    metric: str
    description: str
    model: str
    subject: str
    device: str
    stand_in: str
    median: float | None
    value: str
    unit: str
    interval: tuple[str, ...]
    gate: tuple[str, ...]
    margin: float | None
    margin_words: str
    roofline: float | None
    roofline_words: str
    roofline_source: str
    sentence: str
    notes: tuple[str, ...]
    source: str
    artifact: str
    test: str
    rerun: str | None
    proposed_gate: str | None
    plot: StripPlot | None


def verdict_lines(run: Run) -> tuple[VerdictLine, ...]:
    """The verdicts that count, worst first, then by model and metric."""
    samples: dict[tuple[object, ...], list[SampleRow]] = defaultdict(list)
    for sample in run.samples:
        if sample.side is None:
            samples[measured_by(sample)].append(sample)
    replaced: dict[tuple[object, ...], list[VerdictRow]] = defaultdict(list)
    for row in run.verdicts:
        replaced[(row.test_id, *measured_by(row))].append(row)
    roofline = Roofline(run.samples)
    lines = [
        _line(
            row,
            samples[measured_by(row)],
            [one for one in replaced[(row.test_id, *measured_by(row))] if one is not row],
            run.outcome_of(row),
            roofline,
            stand_in_of(row, run),
        )
        for row in run.judged
    ]
    return tuple(sorted(lines, key=_order))


def _order(line: VerdictLine) -> tuple[object, ...]:
    return (line.severity, line.quarantined, line.model, line.metric, line.subject)


def _line(
    row: VerdictRow,
    samples: Sequence[SampleRow],
    replaced: Sequence[VerdictRow],
    outcome: OutcomeRow | None,
    roofline: Roofline,
    stand_in: str | None,
) -> VerdictLine:
    session = [sample for sample in samples if sample.cold_session == row.cold_session]
    ordered, further = _judged(row, session)
    metric = METRICS.get(row.metric)
    margin = gate_margin(row.median, row.gate_min, row.gate_max)
    share = None if stand_in else roofline.share(row)
    return VerdictLine(
        anchor=verdict_anchor(row),
        status=row.status.value,
        label=LABELS[row.status],
        severity=SEVERITY.index(row.status),
        quarantined=row.quarantined,
        metric=row.metric,
        description=metric.description if metric else "",
        model=" · ".join(word for word in (row.model, row.component) if word),
        subject=subject_words(row),
        device=row.device or "",
        stand_in=stand_in or "",
        median=row.median if row.median is not None and math.isfinite(row.median) else None,
        value="no value" if row.median is None else number(row.median),
        unit=unit_words(row.unit),
        interval=_interval(row, ordered),
        gate=_gate(row),
        margin=margin,
        margin_words="" if margin is None else _margin_words(margin),
        roofline=share.share if share else None,
        roofline_words=percent(share.share, digits=0) if share else "",
        roofline_source=share.source if share else "",
        sentence=row.sentence.partition("\n")[0].rstrip(":"),
        notes=_notes(ordered, further, replaced),
        source=_source(row),
        artifact=row.artifact_key or "",
        test=row.test_id,
        rerun=outcome.rerun_command if outcome else None,
        proposed_gate=row.proposed_gate,
        plot=strip_plot(row, ordered),
    )


def verdict_anchor(row: VerdictRow) -> str:
    """Fragment that links to a verdict."""
    # Links stay good from night to night, so nothing that a new build changes may be in them.
    named = (row.test_id, row.model, row.metric, row.component, subject_words(row), row.device)
    return anchor("verdict", *named)


def _judged(
    row: VerdictRow, samples: Sequence[SampleRow]
) -> tuple[list[SampleRow], list[SampleRow]]:
    """Samples that a verdict was reached on, and those of runs that came later.

    Metrics share their runs: one that needs more of them has others measured on as well.
    """
    ordered = sorted(samples, key=lambda sample: (sample.run_index, sample.at))
    valid = 0
    for place, sample in enumerate(ordered):
        valid += sample.valid
        if valid > row.n_samples:
            return ordered[:place], ordered[place:]
    return ordered, []


def _interval(row: VerdictRow, samples: Sequence[SampleRow]) -> tuple[str, ...]:
    """Bounds, what they rest on, and how runs scatter."""
    if row.lower is None or row.upper is None:
        return (_counted(row) or plural(row.n_samples, "run"), *_scatter(samples))
    if row.interval == "exact" or (row.interval is None and row.lower == row.upper):
        return ("exact", *filter(None, (_counted(row),)))
    # Answers repeat exactly: what may be different is which images were asked about.
    resampled = is_of_accuracy(row.metric) if row.interval is None else row.interval != "median"
    within = f"{number(row.lower)} to {number(row.upper)}"
    if row.is_of_named_scenes:
        return (_counted(row), f"other images: {within}")
    if resampled:
        return (within, _counted(row) or "images resampled")
    return (within, plural(row.n_samples, "run"), *_scatter(samples))


def _counted(row: VerdictRow) -> str:
    """``23 of 24 answers``; empty where nothing was counted."""
    if row.count_of is None:
        return ""
    units = plural(row.count_of, row.counted or "unit")
    return units if row.count is None else f"{number(row.count)} of {units}"


def _scatter(samples: Sequence[SampleRow]) -> tuple[str, ...]:
    values = [sample.value for sample in samples if sample.valid and math.isfinite(sample.value)]
    scatter = coefficient_of_variation(values)
    return (f"CV {percent(scatter)}",) if scatter else ()


def _gate(row: VerdictRow) -> tuple[str, ...]:
    sides = (bound(row.gate_min, None), bound(None, row.gate_max))
    return tuple(side.replace(">=", "≥").replace("<=", "≤") for side in sides if side)


def _margin_words(margin: float) -> str:
    if margin == 0:
        return "no room"
    if margin >= _FAR_INSIDE:
        return f"{1 + margin:.3g} times the gate"
    return f"{percent(abs(margin))} {'inside' if margin >= 0 else 'outside'}"


def _notes(
    samples: Sequence[SampleRow], further: Sequence[SampleRow], replaced: Sequence[VerdictRow]
) -> tuple[str, ...]:
    reasons = [sample.invalid_reason or "no reason given" for sample in samples if not sample.valid]
    return (
        *(f"not counted: {reason}" for reason in dict.fromkeys(reasons)),
        *_further_note(further),
        *(f"measured again from cold after: {row.sentence}" for row in replaced),
    )


def _further_note(further: Sequence[SampleRow]) -> tuple[str, ...]:
    if not further:
        return ()
    return (f"{plural(len(further), 'later run')}, made for other metrics, are no part of it",)


def _source(row: VerdictRow) -> str:
    if not row.gate_source:
        return ""
    return f"gate {row.gate_confidence or ''} since {row.gate_since}, {row.gate_source}"

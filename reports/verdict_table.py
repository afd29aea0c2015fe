"""The table of verdicts: each number beside its gate, with the samples behind it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.measure.gate import gate_margin
from harness.measure.metrics import METRICS
from harness.measure.wording import beside_gate, plural
from harness.results.rows.schema import OutcomeRow, SampleRow, VerdictRow
from harness.results.run import Run
from harness.results.series import measured_by
from harness.results.stand_in import stand_in_of
from reports.measured_words import interval_words, margin_words
from reports.roofline import Roofline
from reports.standing import LABELS, SEVERITY, standing
from reports.strip_plot import StripPlot, strip_plot
from reports.wording import anchor, percent, subject_words, unit_words


@dataclass(frozen=True)
class VerdictLine:
    """One verdict as the page shows it.

    Attributes:
        anchor: Stable fragment to link to.
        status: How the verdict stands.
        label: The same in words.
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
    return tuple(sorted(_told_apart(lines), key=_order))


def _told_apart(lines: Sequence[VerdictLine]) -> Iterator[VerdictLine]:
    """Lines with their artifact where those of several would read alike: they share components."""

    def place(line: VerdictLine) -> tuple[str, ...]:
        return (line.metric, line.model, line.subject, line.device)

    artifacts: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for line in lines:
        artifacts[place(line)].add(line.artifact)
    for line in lines:
        if line.artifact and len(artifacts[place(line)]) > 1:
            subject = f"{line.subject} · artifact {line.artifact[:12]}"
            yield replace(line, subject=subject)
        else:
            yield line


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
    value, *gate = beside_gate(row.median, row.gate_min, row.gate_max, row.unit)
    return VerdictLine(
        anchor=verdict_anchor(row),
        status=standing(row),
        label=LABELS[standing(row)],
        severity=SEVERITY.index(standing(row)),
        quarantined=row.quarantined,
        metric=row.metric,
        description=metric.description if metric else "",
        model=" · ".join(word for word in (row.model, row.component) if word),
        subject=subject_words(row),
        device=row.device or "",
        stand_in=stand_in or "",
        median=row.median if row.median is not None and math.isfinite(row.median) else None,
        value=value or "no value",
        unit=unit_words(row.unit),
        interval=interval_words(row, ordered),
        gate=tuple(f"{sign} {side}" for sign, side in zip("≥≤", gate, strict=True) if side),
        margin=margin,
        margin_words="" if margin is None else margin_words(margin),
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

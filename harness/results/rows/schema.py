"""What a session writes down: one row per thing that happened, told apart by ``kind``.

Rows are flat, so that they become columns of a frame or a CSV file as they are. A field is added
with a default, so that rows of earlier versions are read as they are; a new field or kind of row
raises ``SCHEMA_VERSION``, so that an earlier snapgate asks for an update. Imports without torch.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from harness.measure.gate import Confidence
from harness.measure.verdict import Interval, Status
from harness.results.rows.basics import Subject, Text, UtcTime, utc_now
from harness.results.rows.judged import ComparisonRow, QuarantineRow
from harness.results.rows.ladder import LadderRow
from harness.results.rows.session import (
    SCHEMA_VERSION,
    DeviceRow,
    DeviceStateRow,
    HostInfo,
    NoticeRow,
    SessionEndRow,
    SessionRow,
)
from harness.vocabulary import Component

__all__ = [
    "SCHEMA_VERSION",
    "AnswerRow",
    "ComparisonRow",
    "DeviceRow",
    "DeviceStateRow",
    "HostInfo",
    "LadderRow",
    "NoticeRow",
    "OutcomeRow",
    "QuarantineRow",
    "Row",
    "SampleRow",
    "SessionEndRow",
    "SessionRow",
    "Subject",
    "Variant",
    "VerdictRow",
    "parse_row",
    "utc_now",
]

Variant = Literal["real", "blank", "swapped"]
PytestOutcome = Literal["passed", "failed", "error", "skipped"]


class SampleRow(Subject):
    """One measured value of one run; never averaged away.

    Attributes:
        metric: Name with its unit, ``decode_tps`` (design §1).
        value: In ``unit``.
        unit: As ``harness.measure.metrics`` names it.
        run_index: Position of the run among the runs of its test, from 0.
        valid: Whether the verdict may count it (statistics §2.3).
        invalid_reason: Why not; None when valid.
        generated_tokens: Decode steps of the run; None where nothing was generated.
        component: The component measured; None for the whole model.
        cold_session: 0 for the session's first measurement, 1 for the one made once more from cold
            because a gate was red (statistics §2.7).
        side: Of a comparison: ``A``, the baseline's run, or ``B``, the candidate's; None for what a
            gate judges. Trends leave comparisons out.
        virtual: Taken on a virtual phone, hence no figure of any real device.
        method: How the device was warmed up and its token count fixed; None where nothing was
            generated.
        at: When the value was taken.
    """

    kind: Literal["sample"] = "sample"
    metric: str
    value: float
    unit: str
    run_index: int = Field(ge=0)
    valid: bool = True
    invalid_reason: Text | None = None
    generated_tokens: int | None = None
    component: Component | None = None
    cold_session: int = Field(default=0, ge=0)
    side: Literal["A", "B"] | None = None
    virtual: bool = False
    method: Text | None = None
    at: UtcTime = Field(default_factory=utc_now)


class VerdictRow(Subject):
    """One metric judged by one gate.

    Attributes:
        metric: Name with its unit.
        unit: Of ``median``, ``lower``, ``upper``, ``gate_min`` and ``gate_max``.
        status: The verdict.
        sentence: The evidence, in one sentence.
        median: Of the valid samples; None when there are none.
        lower: Lower confidence bound of the median.
        upper: Upper confidence bound of the median.
        n_samples: Valid samples judged.
        interval: What ``lower`` and ``upper`` are: bounds of the ``median`` of runs, of a ``share``
            or a ``difference`` of shares or a ``ratio`` of means over other scenes, or the value
            itself, which was counted whole (``exact``). None where there are none.
        count: Of a share: how many of the units counted; a unit may count in part.
        count_of: Of a share or a mean over units: how many units there were.
        counted: What the units are, in the singular: ``answer`` for instance.
        gate_min: The gate's lower bound, None when it has none.
        gate_max: The gate's upper bound, None when it has none.
        gate_source: Where the bound comes from: a URL, a run or a derivation.
        gate_confidence: How far the bound is to be trusted, ``provisional`` for instance.
        gate_since: Date from which the gate holds.
        proposed_gate: TOML row that would make a gate of what was measured; NO GATE only.
        component: The component measured; None for the whole model.
        cold_session: As in ``SampleRow``; the verdict with the highest one is the session's.
        quarantined: Whether ``thresholds/quarantine.toml`` keeps it from turning the night red.
        at: When the verdict was reached.
    """

    kind: Literal["verdict"] = "verdict"
    metric: str
    unit: str
    status: Status
    sentence: Text
    median: float | None = None
    lower: float | None = None
    upper: float | None = None
    n_samples: int = Field(ge=0)
    interval: Interval | None = None
    count: float | None = None
    count_of: int | None = None
    counted: Text | None = None
    gate_min: float | None = None
    gate_max: float | None = None
    gate_source: Text | None = None
    gate_confidence: Confidence | None = None
    gate_since: date | None = None
    proposed_gate: Text | None = None
    component: Component | None = None
    cold_session: int = Field(default=0, ge=0)
    quarantined: bool = False
    at: UtcTime = Field(default_factory=utc_now)

    @property
    def is_valid_alone(self) -> bool:
        """Whether it passed without a gate: its runs count, and nobody judged the figure."""
        return self.status is Status.PASS and self.gate_min is None and self.gate_max is None

    @property
    def is_of_named_scenes(self) -> bool:
        """Whether the scenes named passed, of which none may differ, whatever others would show.

        Bounds that reach beyond the gate are those of others.
        """
        is_beyond = (
            self.lower is not None and self.gate_min is not None and self.lower < self.gate_min
        ) or (self.upper is not None and self.gate_max is not None and self.upper > self.gate_max)
        return self.interval == "share" and self.status is Status.PASS and is_beyond


class AnswerRow(Subject):
    """One question, put to one artifact.

    Attributes:
        sample_id: Name of the question with its image, the same for every model and target, so
            that answers can be laid side by side.
        question: As asked, placeholders included.
        expected: The right answer.
        reference: The float model's answer to the same pixels and ids; None when it was not asked.
        given: What the artifact answered, stop token removed.
        correct: Whether ``given`` counts as ``expected``.
        image: Name that ``Journal.store_thumbnail`` returned; None for a text-only question,
            and where there was no room for it.
        variant: The image that belongs to the question, a blank one, or another question's.
        question_kind: ``count``, ``colour``, ``relation``, ``digit``, ``describe``, ...
        at: When it was answered.
    """

    kind: Literal["answer"] = "answer"
    sample_id: str
    question: Text
    expected: Text
    reference: Text | None = None
    given: Text
    correct: bool
    image: str | None = Field(default=None, pattern=r"^[0-9a-f]{16}\.jpg$")
    variant: Variant = "real"
    question_kind: str
    at: UtcTime = Field(default_factory=utc_now)


class OutcomeRow(Subject):
    """How one pytest test ended.

    Attributes:
        outcome: pytest's word; a verdict other than PASS and FAIL is ``skipped`` (design §9).
        status: The worst verdict of the test; None when it judged nothing.
        duration_s: Set-up, call and tear-down, of all attempts.
        reruns: How often another plugin, such as pytest-rerunfailures, announced to run it again;
            the other fields tell of the last attempt.
        message: Sentence of the verdict, or what pytest prints of a failure; empty when passed.
        rerun_command: Command line that runs this test alone.
        evidence: What was kept of a failure, text by name: ``command``, ``stdout``, ``stderr``,
            ``logcat``, ...; empty when passed.
        at: When it ended.
    """

    kind: Literal["outcome"] = "outcome"
    outcome: PytestOutcome
    status: Status | None = None
    duration_s: float = Field(ge=0)
    reruns: int = Field(default=0, ge=0)
    message: Text = ""
    rerun_command: Text
    evidence: dict[str, Text] = Field(default_factory=dict)
    at: UtcTime = Field(default_factory=utc_now)


Row = (
    SessionRow
    | SessionEndRow
    | DeviceRow
    | DeviceStateRow
    | NoticeRow
    | SampleRow
    | VerdictRow
    | ComparisonRow
    | QuarantineRow
    | AnswerRow
    | LadderRow
    | OutcomeRow
)

_ROW: TypeAdapter[Row] = TypeAdapter(Annotated[Row, Field(discriminator="kind")])


def parse_row(line: bytes) -> Row:
    """Read one journal line.

    Raises:
        pydantic.ValidationError: If it is not JSON, of an unknown kind or of another shape.
    """
    return _ROW.validate_json(line)

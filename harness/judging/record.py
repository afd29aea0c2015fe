"""Where one test writes down what it measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from PIL import Image

from harness.devices.device import Device
from harness.judging.measured import Measured
from harness.measure.metrics import get_metric
from harness.measure.sample import Sample
from harness.results.recording import subject_of
from harness.results.rows.schema import Row, SampleRow, Subject

Side = Literal["A", "B"]
"""Of a comparison: the baseline or the candidate."""


class Recorder(Protocol):
    """Keeps the rows of a run.

    Attributes:
        run_id: The run.
        today: The day by which quarantines end, in UTC; the same for the whole run.
    """

    run_id: str
    today: date

    def append(self, row: Row) -> None:
        """Write one row; it survives whatever happens next."""
        ...

    def store_thumbnail(self, picture: Image.Image) -> str:
        """Keep a picture beside the rows, and return the name that rows know it by."""
        ...


@dataclass(frozen=True)
class Record:
    """What one test writes into a run, measuring on one device.

    Attributes:
        test_id: pytest node id of the test.
    """

    recorder: Recorder
    test_id: str
    device: Device

    def subject(self, measured: Measured) -> Subject:
        """What rows of this test are about."""
        key = measured.artifact.manifest.key
        return subject_of(measured.context, self.test_id, self.device.serial, key)

    def samples(
        self,
        metric: str,
        samples: Sequence[Sample],
        measured: Measured,
        *,
        first_run: int = 0,
        generated_tokens: int | None = None,
        cold_session: int = 0,
        side: Side | None = None,
    ) -> None:
        """Write samples down as soon as they are measured; ``SampleRow`` tells the arguments."""
        subject = self.subject(measured).model_dump()
        for index, sample in enumerate(samples, start=first_run):
            self.recorder.append(
                SampleRow(
                    **subject,
                    metric=metric,
                    value=sample.value,
                    unit=get_metric(metric).unit,
                    run_index=index,
                    valid=sample.invalid_reason is None,
                    invalid_reason=sample.invalid_reason,
                    generated_tokens=generated_tokens,
                    component=measured.context.component,
                    cold_session=cold_session,
                    side=side,
                    virtual=self.device.is_virtual,
                    method=self.device.method if generated_tokens is not None else None,
                )
            )

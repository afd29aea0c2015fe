"""Rows about the device: which one it is, and the state it was in around every run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from harness.results.rows.basics import Frozen, Subject, UtcTime, utc_now
from harness.vocabulary import Target


class DeviceRow(Frozen):
    """A device that a process measured on, written before its first sample.

    Attributes:
        device: Phone serial or host id, as in ``Subject.device``.
        target: ``host``, ``emulator`` or ``phone``.
        soc: ``SM8550``; None on the host.
        fingerprint: ``ro.build.fingerprint`` of a phone; processor, kernel and cores of a host.
        qnn_version: Build id of the QNN libraries that run there; None without QNN.
        virtual: A virtual phone, whose figures are no phone's.
        facts: What else is known and never changes: memory, Android release, adb version.
        at: When it was looked at.
    """

    kind: Literal["device"] = "device"
    device: str
    target: Target
    soc: str | None = None
    fingerprint: str | None = None
    qnn_version: str | None = None
    virtual: bool = False
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    at: UtcTime = Field(default_factory=utc_now)


class DeviceStateRow(Subject):
    """State of the device around one process of the runner.

    Its samples have the same ``test_id``, ``device``, ``artifact_key``, ``mode``, ``run_index`` and
    ``cold_session``.

    Attributes:
        run_index: Position of the run among the runs of its test, from 0.
        cold_session: As in ``SampleRow``.
        before: What the device said before the run: temperatures, thermal status, clocks, ...
        after: The same after it; None when the run broke.
        at: When the run had ended.
    """

    kind: Literal["device_state"] = "device_state"
    run_index: int = Field(ge=0)
    cold_session: int = Field(default=0, ge=0)
    before: dict[str, JsonValue] | None = None
    after: dict[str, JsonValue] | None = None
    at: UtcTime = Field(default_factory=utc_now)

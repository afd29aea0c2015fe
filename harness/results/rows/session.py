"""Rows about a session: what began it, on which devices, in which state, and how it ended."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from harness.results.rows.basics import Frozen, Subject, Text, UtcTime, utc_now
from harness.results.sequence import LAST
from harness.vocabulary import Target

SCHEMA_VERSION = 7


class HostInfo(Frozen):
    """The machine that ran the session.

    Attributes:
        cpu_model: As the kernel names it.
        cores: Logical cores.
        memory_mib: Physical memory.
        os: Name, release and architecture.
    """

    cpu_model: str
    cores: int
    memory_mib: int
    os: str


class FarmStay(Frozen):
    """Where a farm ran a session.

    Attributes:
        key: Of the job, as the farm's store knows it.
        job: The job in words.
        host: Name of the host in the farm.
        serialno: Phone that the farm chose; None for none.
        began_at: When its process began.
        ended_at: When that ended.
        is_earlier: Whether it had ended before this run asked for it.
        waited_s: How long it waited for a host, as far as whoever asked for it saw.
        waited_for: Why, as it was told last; None where nobody said.
    """

    key: str
    job: Text
    host: Text
    serialno: Text | None
    began_at: UtcTime
    ended_at: UtcTime
    is_earlier: bool
    waited_s: float = 0.0
    waited_for: Text | None = None


class SessionRow(Frozen):
    """The first row of every journal file: who measures, where, with what.

    Attributes:
        schema_version: Shape of the rows that follow in this file.
        run_id: Name of the run's folder; all workers of a session share it.
        started_at: When this process started its journal.
        argv: Command line of the session.
        options: Options after defaults and configuration files, by their long names.
        versions: Version by distribution name, Python included.
        host: The machine.
        git_commit: Commit of the working tree, ``-dirty`` appended when it has changes; None
            outside of a repository.
        worker: ``main``, or the pytest-xdist worker's id.
        planned: Tests of suites that the session was to run; None of a worker, and of sessions
            that earlier versions wrote.
        sequence: The session's place among all of its store, see ``harness.results.sequence``;
            None of a worker, and of sessions that earlier versions wrote.
        farm: Where a farm ran it; None without one.
    """

    kind: Literal["session"] = "session"
    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    run_id: str
    started_at: UtcTime = Field(default_factory=utc_now)
    argv: tuple[Text, ...]
    options: dict[str, JsonValue]
    versions: dict[str, str]
    host: HostInfo
    git_commit: str | None
    worker: str
    planned: int | None = Field(default=None, ge=0)
    sequence: int | None = Field(default=None, ge=0, le=LAST)
    farm: FarmStay | None = None


class SessionEndRow(Frozen):
    """The session's last row, written once by the controlling process; missing after a crash.

    Attributes:
        exit_status: What pytest returns to the shell (design §9).
        ended_at: When the last test had finished.
    """

    kind: Literal["session_end"] = "session_end"
    exit_status: int
    ended_at: UtcTime = Field(default_factory=utc_now)


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


class NoticeRow(Frozen):
    """What upstream's runner does otherwise than ours with an artifact, told before a run.

    Attributes:
        model: Registry name.
        artifact_key: Key of the artifact.
        sentence: What it does.
        at: When it was told.
    """

    kind: Literal["notice"] = "notice"
    model: str
    artifact_key: str
    sentence: Text
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

"""Rows about a session: what began it, and how it ended."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from harness.results.rows.basics import Frozen, Text, UtcTime, utc_now

SCHEMA_VERSION = 2


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


class SessionEndRow(Frozen):
    """The session's last row, written once by the controlling process; missing after a crash.

    Attributes:
        exit_status: What pytest returns to the shell (design §9).
        ended_at: When the last test had finished.
    """

    kind: Literal["session_end"] = "session_end"
    exit_status: int
    ended_at: UtcTime = Field(default_factory=utc_now)

"""What a job left behind, which is kept once per key however often it was run."""

from __future__ import annotations

from pathlib import PurePosixPath

from pydantic import BaseModel, field_validator

from harness.farm.job import Job
from harness.results.rows.basics import UtcTime


class StoredFile(BaseModel, frozen=True, extra="forbid"):
    """A file of a job, by its content.

    Attributes:
        path: Below the folder that the job filled, with ``/`` between its parts.
        sha256: Of its content, which the store knows it by.
        size_bytes: Its length.
    """

    path: str
    sha256: str
    size_bytes: int

    @field_validator("path")
    @classmethod
    def _stays_below(cls, path: str) -> str:
        """Somebody else wrote it: it must not lead anywhere else."""
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\\" in path:
            raise ValueError(f"{path!r} does not stay below a folder")
        return path


class JobEnd(BaseModel, frozen=True, extra="forbid"):
    """How a job ended.

    Attributes:
        job: What was done.
        exit_status: Of its process.
        files: Rows and pictures of a session; components and manifests of an export.
        log: What it printed, by its content's hash; None if nothing is kept of that.
        host: Where it ran.
        serialno: On which phone; None for none.
        started_at: When its process began.
        ended_at: When that ended.
    """

    job: Job
    exit_status: int
    files: tuple[StoredFile, ...]
    log: str | None
    host: str
    serialno: str | None
    started_at: UtcTime
    ended_at: UtcTime

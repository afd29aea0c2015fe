"""Where a host keeps what its jobs make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostFolders:
    """Where a host keeps what jobs make.

    Attributes:
        work: One folder per try of a job that runs, or whose end the store does not have yet.
        rejected: What was left there and cannot be sent.
        artifacts: The artifact cache.
        kept_bytes: How much of what jobs brought there stays.
    """

    work: Path
    rejected: Path
    artifacts: Path
    kept_bytes: int

"""How many processors this process can compute on at a time."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

from harness.control_groups import MOUNTED, OWN, own_groups


def allowed_processors() -> int:
    """Those that the system lets this process run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_processors(mounted: Path = MOUNTED, own: Path = OWN) -> int:
    """Those it may run on, or as many as a container's share of time comes to, rounded up.

    Args:
        mounted: Where control groups are mounted.
        own: Which of them this process is in.
    """
    shares = (_share(folder) for folder in own_groups("cpu", mounted, own))
    limits = (math.ceil(share) for share in shares if share is not None)
    return max(1, min([allowed_processors(), *limits]))


def _share(folder: Path) -> float | None:
    """Processors whose time a group may take; None where it has no limit."""
    try:
        quota_us, period_us = _quota(folder)
    except (OSError, ValueError):
        return None
    return quota_us / period_us if quota_us > 0 and period_us > 0 else None


def _quota(folder: Path) -> tuple[int, int]:
    """Microseconds of processor time in so many of wall time.

    Raises:
        OSError: If the group tells neither version's way.
        ValueError: If it has no limit, as v2 says ``max`` for.
    """
    newer = folder / "cpu.max"
    if newer.exists():
        quota_us, period_us = newer.read_text().split()
        return int(quota_us), int(period_us)
    older = (folder / f"cpu.cfs_{name}_us" for name in ("quota", "period"))
    quota_us, period_us = (file.read_text() for file in older)
    return int(quota_us), int(period_us)

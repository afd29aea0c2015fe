"""Control groups of this process, by which a container's limits are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

MOUNTED = Path("/sys/fs/cgroup")
"""Where control groups are mounted (cgroup v2, or v1's folder of each controller)."""

OWN = Path("/proc/self/cgroup")
"""Which of them this process is in."""


def own_groups(
    controller: Literal["memory", "cpu"], mounted: Path = MOUNTED, own: Path = OWN
) -> Iterator[Path]:
    """Folders of this process's group and of all above it, whose limits hold as well.

    Args:
        controller: What they limit.
        mounted: See ``MOUNTED``.
        own: See ``OWN``.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = mounted / controller if controllers else mounted
        inner = Path(path.lstrip("/"))
        yield from (root / part for part in (inner, *inner.parents))

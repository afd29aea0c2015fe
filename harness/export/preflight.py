"""Whether this machine can give an export what it will take, asked before it begins."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UserError
from harness.export.needs import ArtifactNeed, artifact_need
from harness.export.request import ExportRequest
from harness.export.side_by_side import at_once
from harness.machine_memory import MemoryRoom, memory_room

if TYPE_CHECKING:
    from harness.checkpoint.checkpoint import Checkpoint


def check_memory(requests: Sequence[ExportRequest], checkpoint: Checkpoint) -> None:
    """Refuse exports that would be ended for lack of memory, minutes later.

    Args:
        requests: At least one, of one model.
        checkpoint: Its weights.

    Raises:
        UserError: If this machine, or the container, could not give one of them what it takes.
    """
    needs = (artifact_need(request, checkpoint) for request in requests)
    need = max(needs, key=lambda one: one.peak_gib)
    room, name = memory_room(), checkpoint.spec.name
    if need.peak_gib * 2**30 > room.available_bytes:
        raise UserError(
            f"The export of {name} needs about {need.peak_gib:.1f} GiB of memory for the "
            f"{need.largest.component} and {room.described}; free some, or run python -m harness "
            f"export {name} on a larger machine and give the folder it prints as --pre-gen-pte."
        )


def check_disk(requests: Sequence[ExportRequest], checkpoint: Checkpoint, artifacts: Path) -> None:
    """Refuse exports that the disk has no room for.

    Args:
        requests: Artifacts of one model.
        checkpoint: Its weights.
        artifacts: The artifact cache.

    Raises:
        UserError: If less is free than they take.
    """
    need = sum(artifact_need(request, checkpoint).disk_bytes for request in requests) / 2**30
    nearest = next(place for place in (artifacts, *artifacts.absolute().parents) if place.is_dir())
    free = _free_bytes(nearest) / 2**30
    if need > free:
        count = "An artifact" if len(requests) == 1 else f"{len(requests)} artifacts"
        raise UserError(
            f"{count} of {checkpoint.spec.name} and what is written meanwhile take about "
            f"{need:.1f} GiB and {nearest} has {free:.1f} free; make room, or name another disk "
            "with --artifacts."
        )


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def described(need: ArtifactNeed, room: MemoryRoom) -> str:
    """One sentence for whoever is about to wait."""
    first, *others = sorted(need.components, key=lambda one: one.peak_rss_mib, reverse=True)
    memory = f"{first.peak_rss_mib / 1024:.1f} GiB of memory for the {first.component}"
    longest_s = max(one.export_s for one in need.components)
    if at_once(need, room) > 1:
        memory += f" and {others[0].peak_rss_mib / 1024:.1f} GiB for what is exported beside it"
        minutes = max(longest_s, need.export_s / 2) / 60
    else:
        minutes = need.export_s / 60
    time = f"{minutes:.0f} min" if minutes >= 1 else "less than a minute"
    return (
        f"This export needs about {memory}, {need.disk_bytes / 2**30:.1f} GiB of disk and {time} "
        f"on two cores; {room.described}."
    )

"""The process that exports one component: ``python -m harness.export.worker``.

One process per component keeps its peak memory measurable and gives it back. The parent holds our
standard input open; when it dies, for whatever reason, we die too.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.errors import UserError
from harness.export.order import ComponentOrder


class Task(BaseModel):
    """What the worker reads as the first line of its standard input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: Path
    calibration: Path | None
    order: ComponentOrder
    output: Path


class Stage(BaseModel):
    """A line on the worker's standard output: a stage has begun."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str


class Outcome(BaseModel):
    """The last line on the worker's standard output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    export_s: float
    peak_rss_mib: float
    user_error: str | None = None


def main() -> int:
    """Export what standard input asks for; returns the exit code."""
    task = Task.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    started = time.monotonic()
    _print(Stage(stage="import"))
    from harness.export.checkpoint import open_checkpoint
    from harness.export.component import build_component
    from harness.vlm.registry import get_spec_or_family

    problem = None
    try:
        spec = get_spec_or_family(task.order.model)
        checkpoint = open_checkpoint(task.checkpoint, spec)
        build_component(
            checkpoint, task.order, task.output, lambda stage: _print(Stage(stage=stage))
        )
    except UserError as error:
        problem = str(error)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _print(
        Outcome(
            export_s=time.monotonic() - started,
            peak_rss_mib=peak_kib / 1024,
            user_error=problem,
        )
    )
    return 0 if problem is None else 2


def _print(line: BaseModel) -> None:
    print(json.dumps(line.model_dump()), flush=True)


def _die_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

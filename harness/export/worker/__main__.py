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
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel, ConfigDict

from harness.artifacts.manifest import GraphCost
from harness.backends.qnn.provider import activate
from harness.errors import UserError
from harness.export.component_key import CPU_TABLES, BuildConfig

_WORTH_A_SECOND_THREAD = 512
"""Width of a decoder from which its operators gain by being computed on several threads. Below, on
a machine that has other work too, threads wait for each other ten times as long as they compute."""


class Task(BaseModel):
    """What the worker reads as the first line of its standard input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: Path
    calibration: Path | None
    qnn_dir: Path | None
    order: BuildConfig
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
    graphs: tuple[GraphCost, ...] = ()
    user_error: str | None = None


def main() -> int:
    """Export what standard input asks for; returns the exit code."""
    task = Task.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    started = time.monotonic()
    messages = _own_output()

    def report(stage: str) -> None:
        _print(messages, Stage(stage=stage))

    problem: str | None = None
    graphs: tuple[GraphCost, ...] = ()
    try:
        graphs = _build(task, report)
    except UserError as error:
        problem = str(error)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _print(
        messages,
        Outcome(
            export_s=time.monotonic() - started,
            peak_rss_mib=peak_kib / 1024,
            graphs=graphs,
            user_error=problem,
        ),
    )
    return 0 if problem is None else 2


def _build(task: Task, report: Callable[[str], None]) -> tuple[GraphCost, ...]:
    report("import")
    if task.order.backend == "qnn" and task.order.precision not in CPU_TABLES:
        _start_qnn(task.qnn_dir)
    import torch

    from harness.export.checkpoint import open_checkpoint
    from harness.export.component import build_component
    from harness.export.graphs.bookkeeping import without_graph_bookkeeping
    from harness.vlm.registry import get_spec_or_family

    checkpoint = open_checkpoint(task.checkpoint, get_spec_or_family(task.order.model))
    if checkpoint.spec.text.hidden_size < _WORTH_A_SECOND_THREAD:
        torch.set_num_threads(1)
    with without_graph_bookkeeping():
        if task.order.backend == "qnn":
            from harness.export.htp.component import build_htp_component

            return build_htp_component(checkpoint, task, report)
        build_component(checkpoint, task.order, task.output, report)
    return ()


def _start_qnn(qnn_dir: Path | None) -> None:
    """Start QNN, and let ExecuTorch ask about the processor while this process is small.

    It asks by starting other programs, and until they have started they count as much memory as
    the process that starts them. The answer is kept.
    """
    activate(qnn_dir)
    from executorch.backends.qualcomm.utils.qnn_sdk_setup import _host_is_amd

    _host_is_amd()


def _own_output() -> TextIO:
    """Keep standard output for our messages and turn everybody else's to standard error.

    Compilers print from C, in blocks that would begin and end inside our lines.
    """
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "w")


def _print(messages: TextIO, line: BaseModel) -> None:
    print(json.dumps(line.model_dump()), file=messages, flush=True)


def _die_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())

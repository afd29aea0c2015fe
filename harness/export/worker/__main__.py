"""The process that exports one component: ``python -m harness.export.worker``.

One process per component keeps its peak memory measurable and gives it back. The parent holds our
standard input open; when it dies, for whatever reason, we die too.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel

from harness.artifacts.manifest import GraphCost
from harness.backends.qnn.provider import activate
from harness.errors import UserError, require_packages
from harness.export.worker.messages import (
    EXPORTER_PACKAGES,
    ReportStage,
    StageBegun,
    Task,
    TaskEnded,
)
from harness.parent_process import end_with_parent

_WORTH_A_SECOND_THREAD = 512
"""Width of a decoder from which its operators gain by being computed on several threads. Below, on
a machine that has other work too, threads wait for each other ten times as long as they compute."""


def main() -> int:
    """Export what standard input asks for; returns the exit code."""
    task = Task.model_validate_json(sys.stdin.readline())
    end_with_parent(sys.stdin.fileno(), status=1)
    started = time.monotonic()
    messages = _own_output()

    def report(stage: str) -> None:
        _print(messages, StageBegun(stage=stage))

    problem: str | None = None
    graphs: tuple[GraphCost, ...] = ()
    try:
        graphs = _build(task, report)
    except UserError as error:
        problem = str(error)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _print(
        messages,
        TaskEnded(
            export_s=time.monotonic() - started,
            peak_rss_mib=peak_kib / 1024,
            graphs=graphs,
            user_error=problem,
        ),
    )
    return 0 if problem is None else 2


def _build(task: Task, report: ReportStage) -> tuple[GraphCost, ...]:
    report("import")
    config = task.config
    is_for_htp = config.soc is not None
    if is_for_htp:
        _start_qnn(task.qnn_dir)
    require_packages(EXPORTER_PACKAGES, "Exporting")
    import torch

    from harness.checkpoint.checkpoint import open_checkpoint
    from harness.export.graphs.bookkeeping import without_graph_bookkeeping
    from harness.export.graphs.component import check_weights
    from harness.vlm.registry import get_spec_or_family

    checkpoint = open_checkpoint(task.checkpoint, get_spec_or_family(config.model))
    check_weights(checkpoint)
    if checkpoint.spec.text.hidden_size < _WORTH_A_SECOND_THREAD:
        torch.set_num_threads(1)
    with without_graph_bookkeeping():
        if is_for_htp:
            from harness.export.htp.component import build_htp_component

            return build_htp_component(checkpoint, task, report)
        from harness.export.worker.component import build_component

        build_component(checkpoint, task, report)
    return ()


def _start_qnn(qnn_dir: Path | None) -> None:
    """Start QNN, and let ExecuTorch ask about the processor while this process is small.

    It asks by starting other programs, and until they have started they count as much memory as
    the process that starts them. The answer is kept.
    """
    activate(qnn_dir)
    require_packages(("executorch",), "Exporting")
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


if __name__ == "__main__":
    sys.exit(main())

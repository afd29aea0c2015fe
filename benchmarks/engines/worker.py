"""A process of one engine: ``python -m benchmarks.engines.worker VERB TASK ANSWER``.

Reads the task from a file and writes the answer to one, for libraries print what they like.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from benchmarks.engines.bandwidth import measure_bandwidth
from benchmarks.engines.registry import engine_module
from benchmarks.engines.task import EngineTask
from harness.errors import UserError
from harness.program import run_program


def main(arguments: Sequence[str]) -> int:
    """Prepare or measure an engine, or measure what memory gives its threads."""
    verb, task_file, answer_file = arguments
    task = EngineTask.model_validate_json(Path(task_file).read_text(encoding="utf-8"))
    try:
        answer = _answer(verb, task)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    Path(answer_file).write_text(answer.model_dump_json(), encoding="utf-8")
    return 0


def _answer(verb: str, task: EngineTask) -> BaseModel:
    if verb == "bandwidth":
        return measure_bandwidth(task.threads)
    engine = engine_module(task.engine)
    return engine.prepare(task) if verb == "prepare" else engine.measure(task)


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))

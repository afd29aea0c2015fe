"""``python -m harness.runtime``: flag-compatible with ``qnn_multimodal_runner`` (contract §5).

Unlike upstream it leaves no half-written file behind and never ends with 0 after an error.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends.qnn.native_log import captured_native_log, worth_reading
from harness.backends.qnn.provider import activate
from harness.errors import UserError, require_packages
from harness.measure.run_stats import RunStats
from harness.options.values import resolve
from harness.parent_process import end_with_parent
from harness.program import CLOSED_PIPE
from harness.runtime.cpu_runtime import lock_no_memory, use_threads
from harness.runtime.emulator_time import emulator_time
from harness.runtime.flag_syntax import help_text, parse_flags
from harness.runtime.flags import Flags
from harness.runtime.generation import Generation
from harness.runtime.observer import (
    ConsoleObserver,
    LogitsDump,
    LogitsSink,
    MarginObserver,
    Shown,
    inference_speed,
)
from harness.runtime.output import explain_failure, writing
from harness.runtime.plan import RunPlan, make_plan
from harness.runtime.request import Request

if TYPE_CHECKING:
    from harness.runtime.runner import MultimodalRunner


_RUNTIME_PACKAGES = ("torch", "executorch")
_STDIN = 0


def main(arguments: Sequence[str]) -> int:
    """Run.

    Returns:
        The exit code: 0, 2 for a user error, 130 when interrupted, 141 when nobody reads on.
    """
    try:
        flags = parse_flags(arguments)
        if flags.help:
            print(help_text(), flush=True)
            return 0
        if flags.exit_with_parent:
            end_with_parent(_STDIN, status=1)
        _run(flags, make_plan(flags, resolve("runtime", {})))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return CLOSED_PIPE
    return 0


def _run(flags: Flags, plan: RunPlan) -> None:
    require_packages(_RUNTIME_PACKAGES, "Running on this machine")
    if plan.qnn_dir is not None:
        activate(plan.qnn_dir)
    needed = emulator_time(plan.files) if _is_for_a_person(flags) else None
    if needed is not None and needed.sentence is not None:
        print(needed.sentence, file=sys.stderr, flush=True)
    lock_no_memory()
    use_threads(flags.threads)
    # Loading torch takes seconds, which --help and mistaken flags need not wait for.
    from harness.runtime.runner import MultimodalRunner

    with _logits_sink(flags) as sink:
        shown = _shown(flags, plan)
        margins = MarginObserver(shown, sink) if plan.options.record_margins else None
        observer = margins or ConsoleObserver(shown, sink)
        if flags.shared_buffer:
            observer.log("--shared_buffer has no effect: host memory needs no RPC buffers")
        observer.log(f"Load Encoder: {plan.files.encoder}")
        observer.log(f"Load Token Embedding: {plan.files.embedding}")
        observer.log(f"Load Text Decoder: {plan.files.decoder}")
        observer.log("Starting multimodal runner")
        runner = MultimodalRunner(plan.files, plan.family, plan.options, observer)
        _answer_all(flags, plan, runner, observer, margins)
    if plan.files.are_for_htp:
        # QNN tells of every context that it gives up.
        with captured_native_log() as parting:
            del runner
            gc.collect()
        for line in worth_reading(parting):
            print(line, file=sys.stderr)


def _answer_all(
    flags: Flags,
    plan: RunPlan,
    runner: MultimodalRunner,
    observer: ConsoleObserver,
    margins: MarginObserver | None,
) -> None:
    def answer(request: Request, times: int = 1) -> Generation:
        generation = runner.run(request, times)
        return generation if margins is None else margins.add_to(generation)

    if flags.requests is None:
        generation = answer(plan.requests[0], flags.num_iters)
        _write_one(flags, generation, runner, observer.reported or generation.last.stats)
    else:
        _answer_many(flags.generations_path, plan.requests, answer)


def _shown(flags: Flags, plan: RunPlan) -> Shown:
    """What a person sees who names an artifact, and what upstream's host tools see otherwise."""
    wants_answer = _is_for_a_person(flags) or flags.quiet
    return Shown(
        stream=flags.stream,
        answer=wants_answer and not (flags.stream or flags.json_output),
        statistics=not flags.quiet,
        log=not flags.quiet,
        stop_tokens=plan.family.stop_tokens,
    )


def _is_for_a_person(flags: Flags) -> bool:
    """Who names an artifact; upstream's host tools name files."""
    return flags.artifact is not None and flags.requests is None


def _write_one(
    flags: Flags, generation: Generation, runner: MultimodalRunner, reported: RunStats
) -> None:
    if flags.writes("output_path"):
        with writing(flags.output_path) as file:
            for turn in generation.turns:
                file.write(turn.echo.encode() + runner.token_bytes(turn.token_ids))
    if flags.writes("performance_output_path"):
        with writing(flags.performance_output_path) as file:
            file.write(inference_speed(reported).encode())
    if flags.json_output:
        print(generation.model_dump_json(), flush=True)


def _answer_many(
    path: Path, requests: Sequence[Request], answer: Callable[[Request], Generation]
) -> None:
    """Write each answer as soon as it is known, so that an interrupted run keeps what it has."""
    with explain_failure(path), path.open("w", encoding="utf-8") as file:
        for request in requests:
            try:
                generation = answer(request)
            except UserError as error:
                raise UserError(f"Request {request.id!r}: {error}") from error
            print(generation.model_dump_json(), file=file, flush=True)


@contextlib.contextmanager
def _logits_sink(flags: Flags) -> Iterator[LogitsSink | None]:
    if flags.dump_logits_path is None:
        yield None
        return
    with writing(flags.dump_logits_path) as file:
        yield LogitsDump(file, flags.upstream_compat).write

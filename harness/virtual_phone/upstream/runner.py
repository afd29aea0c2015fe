"""Upstream's ``qnn_multimodal_runner`` for virtual phones: our runner within its limits.

It takes upstream's flags and no other, prints whole milliseconds and no token ids, deviates where
upstream does (contract §8), and ends as upstream's program does (contract §5.7).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends.qnn.provider import activate
from harness.errors import UserError
from harness.options.values import resolve
from harness.runtime.cpu_runtime import use_threads
from harness.runtime.flags import Flags
from harness.runtime.observer import ConsoleObserver, LogitsDump, LogitsSink
from harness.runtime.plan import make_plan
from harness.virtual_phone.upstream.conversation import read_request
from harness.virtual_phone.upstream.failed_check import FailedCheck, terminate
from harness.virtual_phone.upstream.flags import (
    BadFlags,
    applied_temperature,
    asked_of_gflags,
    read_flags,
)
from harness.virtual_phone.upstream.observer import UpstreamObserver
from harness.vlm.mode import EVAL_MODES
from harness.vlm.registry import known_families

if TYPE_CHECKING:
    from harness.runtime.runner import MultimodalRunner

_REFUSED = 1
"""Exit code of gflags."""
_BRANCH = ("window", "ngram", "gcap")
_NOWHERE = Path(os.devnull)
_KV = EVAL_MODES["kv"]
_UNSUPPORTED = 3
"""Its enumeration has a mode of this name."""


def main(arguments: Sequence[str]) -> int:
    """Run.

    Returns:
        0, whatever could not be written, or 1 for ``--help`` and for flags that gflags refuses; a
        failed check ends the process by SIGABRT.
    """
    print("I tokenizers:regex.cpp:40] Registering override fallback regex", file=sys.stderr)
    if asked := asked_of_gflags(arguments):
        print(asked[0])
        return asked[1]
    try:
        flags = read_flags(arguments)
    except BadFlags as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return _REFUSED
    with _logits_sink(flags) as sink:
        observer = UpstreamObserver(flags.performance_output_path, sink)
        try:
            _check_flags(flags)
            runner = _load(flags, observer)
            _answer(flags, runner)
        except FailedCheck as check:
            check.end_process(observer)
        except UserError as error:
            FailedCheck.of(error).end_process(observer)
    return 0


def _check_flags(flags: Flags) -> None:
    """What upstream's program looks at before it loads anything.

    Raises:
        FailedCheck: If a check fails.
    """
    if flags.tokenized_prompt is not None and flags.prompt:
        raise FailedCheck("main", "false", "Only provide prompt or tokenized_input but not both.")
    if flags.dump_logits_path is not None and flags.eval_mode != _KV:
        raise FailedCheck(
            "main", "false", "Only TokenGenerator(kv) mode is supported to dump all logits."
        )
    if flags.decoder_model_version not in known_families():
        raise FailedCheck("QNNMultimodalRunner", "false", "Unsupported Decoder Model")
    _check_mode(flags)
    if flags.seq_len is not None and flags.seq_len < 0:
        terminate("std::length_error", "vector::reserve")


def _check_mode(flags: Flags) -> None:
    """What comes of numbers that are no mode, and of lookahead without a branch."""
    if flags.eval_mode == _UNSUPPORTED:
        raise FailedCheck("load", "false", "Unsupported llama evaluation mode")
    if flags.eval_mode not in (None, *EVAL_MODES.values()):
        raise FailedCheck("CheckOk", "hasValue_", logged=("No method named '' in program",))
    branch = (flags.window, flags.ngram, flags.gcap)
    if flags.eval_mode == EVAL_MODES["lookahead"] and min(branch) <= 0:
        terminate("std::length_error", "cannot create std::vector larger than max_size()")


def _load(flags: Flags, observer: ConsoleObserver) -> MultimodalRunner:
    """Load the model; what is asked of it is looked at when it is there."""
    observer.log(f"Load Encoder: {flags.encoder_path}")
    observer.log(f"Load Token Embedding: {flags.tok_embedding_path}")
    observer.log(f"Load Text Decoder: {flags.decoder_path}")
    observer.log("Starting multimodal runner")
    names = ("image_path", "output_path", "performance_output_path")
    unasked = {**dict.fromkeys(names, _NOWHERE), "prompt": (), "tokenized_prompt": None}
    unread = {} if flags.eval_mode == EVAL_MODES["lookahead"] else dict.fromkeys(_BRANCH, 0)
    sampling = {"temperature": applied_temperature(flags.temperature), "seed": int(time.time())}
    update = {**unasked, **unread, **sampling}
    plan = make_plan(flags.model_copy(update=update), resolve("runtime", {}))
    if plan.qnn_dir is not None:
        activate(plan.qnn_dir)
    use_threads(None)
    # Loading torch takes seconds, which mistaken flags need not wait for.
    from harness.runtime.runner import MultimodalRunner

    return MultimodalRunner(plan.files, plan.family, plan.options, observer)


def _answer(flags: Flags, runner: MultimodalRunner) -> None:
    """Hold the conversation; the file of answers is empty until its end."""
    output = _emptied(flags.output_path)
    request = read_request(flags, runner.image_size_px)
    generation = runner.run(request, flags.num_iters)
    answers = (turn.echo.encode() + runner.token_bytes(turn.token_ids) for turn in generation.turns)
    output.write_bytes(b"".join(answers))


def _emptied(path: Path) -> Path:
    """The file, or nowhere in place of one that cannot be written, which costs upstream nothing."""
    try:
        path.write_bytes(b"")
    except OSError:
        return _NOWHERE
    return path


@contextmanager
def _logits_sink(flags: Flags) -> Iterator[LogitsSink | None]:
    if flags.dump_logits_path is None or flags.eval_mode != _KV:
        yield None
        return
    with flags.dump_logits_path.open("wb") as file:
        yield LogitsDump(file, upstream_compat=True).write

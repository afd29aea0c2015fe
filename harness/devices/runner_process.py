"""The Python runner as a process of its own, as a phone runs the C++ one."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import harness
from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import MANIFEST_NAME
from harness.devices.answer_file import AnswerFile
from harness.devices.device import RunFailure, TakeAnswer, wait_for_all
from harness.full_disk import check_room
from harness.kept_output import PRINTED_BYTES_LIMIT, last_lines, read_kept
from harness.run_folder import run_folder
from harness.runner_log.failed_check import why_it_ended
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions, write_requests
from harness.vlm.mode import EVAL_MODES, LookaheadShape

_OUTPUT, _ERRORS = "stdout", "stderr"
"""Streams of the runner, by the names of their files."""

_LOOK_S = 0.5
"""Between two looks at how much it has printed."""


@dataclass(frozen=True)
class TimeLimits:
    """Wall time after which a run counts as hung.

    Attributes:
        start_s: Time to start and to load the model.
        request_s: Time for each request and each warm-up conversation.
    """

    start_s: float
    request_s: float

    def of_run(self, conversations: int) -> float:
        """Seconds that a run of so many conversations may take."""
        return self.start_s + conversations * self.request_s


def answer_requests(
    artifact: Artifact,
    requests: Sequence[Request],
    options: RunOptions,
    limits: TimeLimits,
    extra_flags: Sequence[str] = (),
    take: TakeAnswer = wait_for_all,
) -> tuple[Generation, ...]:
    """Answer requests in one process, each on an empty cache.

    Args:
        artifact: Artifact to run.
        requests: Questions, in the order of the answers.
        options: How to generate.
        limits: When to give up.
        extra_flags: What only this device tells the runner.
        take: As of ``Device.run``.

    Raises:
        RunFailure: If the process fails, is killed, overruns its time or leaves out answers.
        OSError: If that may be for want of room where temporary files are.
    """
    with run_folder() as folder:
        asked, answered = folder / "requests.jsonl", AnswerFile(folder / "generations.jsonl", take)
        write_requests(asked, requests)
        command = (
            sys.executable,
            "-m",
            "harness.runtime",
            *artifact_flags(artifact, options),
            *("--requests", str(asked)),
            *("--generations_path", str(answered.path)),
            *option_flags(options),
            *extra_flags,
        )
        timeout_s = limits.of_run(options.warmup + len(requests))
        exit_code, note = _execute(
            (*command, "--exit_with_parent"), folder, timeout_s, answered.read
        )
        generations = answered.read()
        if exit_code != 0 or len(generations) != len(requests):
            check_room(folder)
            kept = {name: read_kept(folder / name) for name in (_OUTPUT, _ERRORS)}
            printed = f"{kept[_OUTPUT]}{kept[_ERRORS]}"
            said = filter(None, [why_it_ended(printed)])
            told = "\n".join([*said, *last_lines(printed), *note])
            raise RunFailure(exit_code, tuple(map(shlex.quote, command)), told, generations, kept)
        return generations


def artifact_flags(artifact: Artifact, options: RunOptions) -> tuple[str, ...]:
    """Flags that name an artifact, and say what a folder of another exporter does not tell."""
    flags = ["--artifact", str(artifact.directory.absolute())]
    manifest = artifact.manifest
    if (artifact.directory / MANIFEST_NAME).exists():
        return tuple(flags)
    flags += ["--decoder_model_version", manifest.family]
    if options.mode == "lookahead" and manifest.lookahead is not None:
        flags += lookahead_flags(manifest.lookahead)
    return tuple(flags)


def lookahead_flags(shape: LookaheadShape) -> list[str]:
    """The three flags of a lookahead branch."""
    return [f"--window={shape.window}", f"--ngram={shape.ngram}", f"--gcap={shape.gcap}"]


def option_flags(options: RunOptions) -> tuple[str, ...]:
    """Command-line flags of ``python -m harness.runtime`` for these options."""
    flags = [
        f"--eval_mode={EVAL_MODES[options.mode]}",
        f"--temperature={options.temperature}",
        f"--top_p={options.top_p}",
        f"--seed={options.seed}",
        f"--seq_len={options.seq_len}",
        f"--warmup={options.warmup}",
    ]
    if options.lookahead is not None:
        flags += lookahead_flags(options.lookahead)
    if options.max_new_tokens is not None:
        flags.append(f"--max_new_tokens={options.max_new_tokens}")
    return (*flags, *switch_flags(options))


def switch_flags(options: RunOptions) -> list[str]:
    """The flags without a value that the options turn on, of our own runner wherever it runs."""
    switches = {
        "--ignore_eos": options.ignore_eos,
        "--record_margins": options.record_margins,
        "--upstream_compat": options.upstream_compat,
        "--norequantization": not options.requantization,
    }
    return [flag for flag, is_wanted in switches.items() if is_wanted]


def _execute(
    command: Sequence[str], folder: Path, timeout_s: float, look: Callable[[], object]
) -> tuple[int, list[str]]:
    """Run to the end, streams in files; the exit code, and why it was ended if it was."""
    package_root = str(Path(harness.__file__).parents[1])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    with (
        (folder / _OUTPUT).open("wb") as output,
        (folder / _ERRORS).open("wb") as errors,
        subprocess.Popen(
            command,
            # Held open while we live: however we die, the runner sees its end and exits too.
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": search_path},
        ) as runner,
    ):
        try:
            note = _watch(runner, (output, errors), timeout_s, look)
            if note is not None:
                runner.kill()
            return runner.wait(), [note] if note is not None else []
        except BaseException:
            runner.kill()
            # After Ctrl-C, Popen leaves its block without waiting for the process.
            runner.wait()
            raise


def _watch(
    runner: subprocess.Popen[bytes],
    streams: Sequence[IO[bytes]],
    timeout_s: float,
    look: Callable[[], object],
) -> str | None:
    """Wait until it has ended, looking in between; why it has to be ended, if it has."""
    end_s = time.monotonic() + timeout_s
    while (left_s := end_s - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            runner.wait(min(left_s, _LOOK_S))
            return None
        look()
        if sum(os.fstat(stream.fileno()).st_size for stream in streams) > PRINTED_BYTES_LIMIT:
            return f"ended after it had printed more than {PRINTED_BYTES_LIMIT >> 20} MiB"
    return f"ended after {timeout_s:.0f} s"

"""The Python runner as a process of its own, as a phone runs the C++ one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import harness
from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import MANIFEST_NAME
from harness.devices.device import RunFailure
from harness.devices.run_folder import run_folder
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.runtime.request_file import write_requests
from harness.vlm.mode import EVAL_MODES, LookaheadShape

_LOG_LINES = 20


@dataclass(frozen=True)
class TimeLimits:
    """Wall time after which a run counts as hung.

    Attributes:
        start_s: To start and to load the model.
        request_s: For each request and each warm-up conversation.
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
) -> tuple[Generation, ...]:
    """Answer requests in one process, each on an empty cache.

    Args:
        artifact: What to run.
        requests: In the order of the answers.
        options: How to generate.
        limits: When to give up.
        extra_flags: What only this device tells the runner.

    Raises:
        RunFailure: If the process fails, is killed, overruns its time or leaves out answers.
    """
    with run_folder() as folder:
        asked, answered = folder / "requests.jsonl", folder / "generations.jsonl"
        write_requests(asked, requests)
        command = (
            sys.executable,
            "-m",
            "harness.runtime",
            *artifact_flags(artifact, options),
            *("--requests", str(asked)),
            *("--generations_path", str(answered)),
            *option_flags(options),
            *extra_flags,
        )
        timeout_s = limits.of_run(options.warmup + len(requests))
        exit_code, log = _execute((*command, "--exit_with_parent"), folder, timeout_s)
        generations = _read_generations(answered)
        if exit_code != 0 or len(generations) != len(requests):
            raise RunFailure(exit_code, command, log, generations)
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
    if options.ignore_eos:
        flags.append("--ignore_eos")
    if options.upstream_compat:
        flags.append("--upstream_compat")
    if not options.requantization:
        flags.append("--norequantization")
    if options.record_margins:
        flags.append("--record_margins")
    return tuple(flags)


def _execute(command: Sequence[str], folder: Path, timeout_s: float) -> tuple[int, str]:
    package_root = str(Path(harness.__file__).parents[1])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    log_path = folder / "log.txt"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            command,
            # Held open while we live: however we die, the runner sees its end and exits too.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": search_path},
        ) as runner,
    ):
        try:
            exit_code = runner.wait(timeout_s)
            note = ""
        except subprocess.TimeoutExpired:
            runner.kill()
            exit_code, note = runner.wait(), f"\nended after {timeout_s:.0f} s"
        except BaseException:
            runner.kill()
            # After Ctrl-C, Popen leaves its block without waiting for the process.
            runner.wait()
            raise
    lines = log_path.read_text(errors="replace").splitlines()
    return exit_code, "\n".join(lines[-_LOG_LINES:]) + note


def _read_generations(path: Path) -> tuple[Generation, ...]:
    """Complete lines only: a killed process may leave half of one."""
    if not path.exists():
        return ()
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    return tuple(Generation.model_validate_json(line) for line in lines)

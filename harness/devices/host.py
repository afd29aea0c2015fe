"""This machine's CPU as a device."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import harness
from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import Target
from harness.devices.device import RunFailure
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.vlm.mode import EVAL_MODES

_LOG_LINES = 20


class HostDevice:
    """Runs the Python runner as a process of its own, as a phone runs the C++ one."""

    target: Target = "host"
    soc: str | None = None

    def __init__(self, timeout_s: float = 1800.0) -> None:
        self._timeout_s = timeout_s

    @property
    def serial(self) -> str:
        """Host name and CPU in eight hex digits, so that trends never mix machines."""
        identity = f"{platform.node()} {platform.processor()} {os.cpu_count()}"
        return f"{platform.node()}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"

    def run(
        self, artifact: Artifact, requests: Sequence[Request], options: RunOptions
    ) -> tuple[Generation, ...]:
        """Answer requests in one process, each on an empty cache.

        Raises:
            RunFailure: If the process fails, is killed, overruns its time or leaves out answers.
        """
        with tempfile.TemporaryDirectory(prefix="snapgate-run-") as name:
            folder = Path(name)
            asked, answered = folder / "requests.jsonl", folder / "generations.jsonl"
            asked.write_text("".join(f"{request.model_dump_json()}\n" for request in requests))
            command = (
                sys.executable,
                "-m",
                "harness.runtime",
                *("--artifact", str(artifact.directory.absolute())),
                *("--requests", str(asked)),
                *("--generations_path", str(answered)),
                *option_flags(options),
            )
            exit_code, log = self._execute(command, folder)
            generations = _read_generations(answered)
            if exit_code != 0 or len(generations) != len(requests):
                raise RunFailure(exit_code, command, log, generations)
            return generations

    def _execute(self, command: Sequence[str], folder: Path) -> tuple[int, str]:
        package_root = str(Path(harness.__file__).parents[1])
        search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
        log_path = folder / "log.txt"
        with (
            log_path.open("wb") as log,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": search_path},
            ) as runner,
        ):
            try:
                exit_code = runner.wait(self._timeout_s)
                note = ""
            except subprocess.TimeoutExpired:
                runner.kill()
                exit_code, note = runner.wait(), f"\nended after {self._timeout_s:.0f} s"
            except BaseException:
                runner.kill()
                # After Ctrl-C, Popen leaves its block without waiting for the process.
                runner.wait()
                raise
        lines = log_path.read_text(errors="replace").splitlines()
        return exit_code, "\n".join(lines[-_LOG_LINES:]) + note


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
    if options.max_new_tokens is not None:
        flags.append(f"--max_new_tokens={options.max_new_tokens}")
    if options.ignore_eos:
        flags.append("--ignore_eos")
    if options.upstream_compat:
        flags.append("--upstream_compat")
    return tuple(flags)


def _read_generations(path: Path) -> tuple[Generation, ...]:
    """Complete lines only: a killed process may leave half of one."""
    if not path.exists():
        return ()
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    return tuple(Generation.model_validate_json(line) for line in lines)

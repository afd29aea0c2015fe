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
from harness.results.provenance import describe_host
from harness.results.rows import HostInfo
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.runtime.request_file import write_requests
from harness.vlm.mode import EVAL_MODES

_LOG_LINES = 20
_MACHINE_ID = Path("/etc/machine-id")


class HostDevice:
    """Runs the Python runner as a process of its own, as a phone runs the C++ one.

    Args:
        start_timeout_s: Time to start and to load the model.
        request_timeout_s: Time for each request and each warm-up conversation.
    """

    target: Target = "host"
    soc: str | None = None

    def __init__(self, start_timeout_s: float = 120.0, request_timeout_s: float = 60.0) -> None:
        self._start_timeout_s = start_timeout_s
        self._request_timeout_s = request_timeout_s

    @property
    def serial(self) -> str:
        """``host-`` and eight hex digits, so that trends never mix machines."""
        return serial_of(describe_host(), machine_name(_MACHINE_ID))

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
            write_requests(asked, requests)
            command = (
                sys.executable,
                "-m",
                "harness.runtime",
                *("--artifact", str(artifact.directory.absolute())),
                *("--requests", str(asked)),
                *("--generations_path", str(answered)),
                *option_flags(options),
            )
            conversations = options.warmup + len(requests)
            timeout_s = self._start_timeout_s + conversations * self._request_timeout_s
            exit_code, log = _execute((*command, "--exit_with_parent"), folder, timeout_s)
            generations = _read_generations(answered)
            if exit_code != 0 or len(generations) != len(requests):
                raise RunFailure(exit_code, command, log, generations)
            return generations


def serial_of(host: HostInfo, machine: str) -> str:
    """Serial of a machine: its processor, core count and name in eight hex digits."""
    identity = f"{machine} {host.cpu_model} {host.cores}"
    return f"host-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def machine_name(machine_id: Path) -> str:
    """What systemd keeps in ``/etc/machine-id`` for good; the network name where it keeps none.

    A container's network name is another one in every run, its ``machine-id`` is the image's.
    """
    try:
        return machine_id.read_text(encoding="utf-8").strip() or platform.node()
    except OSError:
        return platform.node()


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

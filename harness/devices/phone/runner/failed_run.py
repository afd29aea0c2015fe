"""A run that gave no answer: why, what it left, and how a person runs it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.backends.qnn.errors import explain
from harness.devices.device import RunFailure, bounded
from harness.devices.phone.runner.command import run_script
from harness.devices.phone.runner.remote_runner import Finished
from harness.devices.phone.workspace import Workspace
from harness.devices.transport.phone import Commands
from harness.runtime.generation import Generation

_LOG_LINES = 20


def failed_run(
    finished: Finished,
    reason: str,
    command: tuple[str, ...],
    answered: tuple[Generation, ...],
) -> RunFailure:
    """What to raise for a run that ended without an answer.

    Args:
        finished: How the run ended and what it left.
        reason: Why it is none; what QNN says of itself is explained beside it.
        command: As ``command_by_hand`` returns it.
        answered: Earlier requests of the same session.
    """
    left = finished.left
    lines = left.log.splitlines()
    known = explain(lines)
    told = f"{reason}; {known}" if known else reason
    kept = {"stdout and stderr": bounded(left.log.encode())}
    if left.logcat:
        kept["logcat"] = bounded(left.logcat.encode())
    log = "\n".join([told, *lines[-_LOG_LINES:]])
    return RunFailure(finished.exit_code, command, log, answered, kept=kept)


def command_by_hand(
    phone: Commands, tools: str, arguments: Sequence[str], images: Sequence[str]
) -> tuple[str, ...]:
    """The command line that does the same in a folder of its own, which stays.

    Args:
        phone: Phone that it ran on.
        tools: Folder with the runner and its libraries, on the phone.
        arguments: Program and arguments.
        images: Raw images of the list file.
    """
    folder = Workspace.on(phone).by_hand
    script = f"mkdir -p {folder} && cd {folder} && {run_script(tools, arguments, images)}"
    return (*phone.shell_words, shlex.quote(script))

"""A ladder in a process of its own, of which nothing is left behind it.

What it loads takes GiB of memory, a damaged file may end the process that loads it, and libraries
talk to whoever listens.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.errors import UserError
from harness.export.request import ExportRequest
from harness.heartbeat import Tell, tell_nobody
from harness.kept_output import last_lines, read_kept
from harness.ladder.comparison import Ladder
from harness.measure.wording import end_in_words
from harness.parent_process import ask_for_signal
from harness.runtime.request import Request

_LOG = "ladder.log"
_TO_END_S = 10.0


@dataclass(frozen=True)
class _Told:
    """What the process is doing."""

    line: str


@dataclass(frozen=True)
class _Order:
    """What the process is to do."""

    request: ExportRequest
    artifact: Artifact
    conversations: Sequence[Request]
    folder: Path


def climb_apart(
    request: ExportRequest,
    artifact: Artifact,
    conversations: Sequence[Request],
    tell: Tell = tell_nobody,
) -> Ladder:
    """Put every stage of an artifact through conversations, beside whatever this process does.

    Args:
        request: What was exported.
        artifact: What it came to.
        conversations: What is asked.
        tell: Shown to whoever waits.

    Raises:
        UserError: As ``climb``, or if the process died.
    """
    spawning = multiprocessing.get_context("spawn")
    receiving, sending = spawning.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as name, receiving:
        folder = Path(name)
        order = _Order(request, artifact, tuple(conversations), folder)
        (folder / _LOG).touch()
        process = spawning.Process(target=_climb, args=(sending, order), daemon=True)
        process.start()
        sending.close()
        try:
            found = _follow(receiving, tell)
        except BaseException:
            process.kill()
            raise
        finally:
            process.join(_TO_END_S)
            # It said its last word, and libraries take their time.
            process.kill()
            process.join()
        if isinstance(found, Ladder):
            return found
        if isinstance(found, str):
            raise UserError(found)
        lines = last_lines(read_kept(folder / _LOG))
        why = f" ({lines[-1]})" if lines else ""
        remedy = (
            "that is what the kernel does for lack of memory: compare fewer --conversations"
            if process.exitcode == -signal.SIGKILL
            else "export the artifact again, and tell us if that does not help"
        )
        raise UserError(
            f"The process that compared the stages of {artifact.directory} "
            f"{end_in_words(process.exitcode or 0)}{why}; {remedy}."
        )


def _follow(messages: Connection, tell: Tell) -> Ladder | str | None:
    """The ladder, or why there is none; None where the process ended without a word."""
    while True:
        try:
            message = messages.recv()
        except (EOFError, OSError):
            return None
        if not isinstance(message, _Told):
            return message  # type: ignore[no-any-return]  # what _climb sends last
        tell(message.line)


def _climb(messages: Connection, order: _Order) -> None:
    """The process: whatever is printed in it goes into a log."""
    ask_for_signal(signal.SIGKILL)
    log = os.open(order.folder / _LOG, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(log, stream)
    # It loads torch and transformers, in this process alone.
    from harness.ladder.climb import climb, exercises_of, stages_of, subject_of

    def tell(line: str) -> None:
        messages.send(_Told(line))

    try:
        subject = subject_of(order.request, order.artifact, order.folder)
        exercises = exercises_of(order.conversations, subject, tell)
        messages.send(climb(exercises, stages_of(subject, tell), tell))
    except UserError as error:
        messages.send(str(error))

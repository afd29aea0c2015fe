"""The one interface of everything an artifact can run on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import Target
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions


class RunFailure(Exception):
    """A run that did not answer all its requests.

    Attributes:
        exit_code: Of the runner process; negative for the signal that ended it.
        command: Command line, to run it by hand.
        log: End of what the runner printed.
        answered: Generations that were complete when it ended.
    """

    def __init__(
        self,
        exit_code: int,
        command: tuple[str, ...],
        log: str,
        answered: tuple[Generation, ...],
    ) -> None:
        super().__init__(exit_code, command, log, answered)
        self.exit_code = exit_code
        self.command = command
        self.log = log
        self.answered = answered

    def __str__(self) -> str:
        return (
            f"the runner ended with exit code {self.exit_code} after {len(self.answered)} answers: "
            f"{self.log.strip() or 'it printed nothing'}\n{' '.join(self.command)}"
        )


class Device(Protocol):
    """Where runs happen. Suites do not know which one they use."""

    @property
    def target(self) -> Target:
        """``host``, ``emulator`` or ``phone``."""
        ...

    @property
    def soc(self) -> str | None:
        """Name of the SoC, None for a host."""
        ...

    @property
    def serial(self) -> str:
        """What tells this device from others of its kind."""
        ...

    def run(
        self, artifact: Artifact, requests: Sequence[Request], options: RunOptions
    ) -> tuple[Generation, ...]:
        """Answer requests in one process of the multimodal runner, in order.

        Raises:
            RunFailure: If the runner ended early or badly.
        """
        ...

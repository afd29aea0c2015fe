"""The one interface of everything an artifact can run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from pydantic import JsonValue

from harness.artifacts.artifact import Artifact
from harness.measure.wording import end_in_words
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.vocabulary import Target

TakeAnswer = Callable[[Generation], None]
"""Gets an answer as soon as it is there."""


def wait_for_all(answer: Generation) -> None:
    """Nobody wants single answers."""


class RunFailure(Exception):
    """A run that did not answer all its requests.

    Attributes:
        exit_code: Exit code of the runner process; negative for the signal that ended it.
        command: Command line, to run it by hand.
        log: End of what the runner printed.
        answered: Generations that were complete when it ended.
        kept: Texts for a bug report by name, head and tail of each: ``stdout``, ``stderr``,
            ``logcat``.
    """

    def __init__(
        self,
        exit_code: int,
        command: tuple[str, ...],
        log: str,
        answered: tuple[Generation, ...],
        kept: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(exit_code, command, log, answered)
        self.exit_code = exit_code
        self.command = command
        self.log = log
        self.answered = answered
        self.kept = kept

    def __str__(self) -> str:
        return (
            f"the runner {end_in_words(self.exit_code)} after {len(self.answered)} answers: "
            f"{self.log.strip() or 'it printed nothing'}\n{' '.join(self.command)}"
        )


@dataclass
class Surroundings:
    """What a device was like around one measured run; filled in as the run goes on.

    Attributes:
        before: What it said of itself before the run; None where nobody asks it.
        after: What it said of itself after the run; None likewise.
        disturbance: Why the run does not count, None if nothing disturbed it.
    """

    before: dict[str, JsonValue] | None = None
    after: dict[str, JsonValue] | None = None
    disturbance: str | None = None


class Device(Protocol):
    """Where runs happen. Suites do not know which one they use."""

    @property
    def target(self) -> Target:
        """Name of the target that it is of."""
        ...

    @property
    def soc(self) -> str | None:
        """Name of the SoC, None for a host."""
        ...

    @property
    def serial(self) -> str:
        """What tells this device from others of its kind."""
        ...

    @property
    def is_virtual(self) -> bool:
        """Whether its speed is nobody's, so that it is judged for validity alone."""
        ...

    @property
    def lacks(self) -> frozenset[str]:
        """Names of ``RunOptions`` that its runner cannot follow, and which it refuses."""
        ...

    @property
    def method(self) -> str:
        """How warm-up and a fixed token count are reached here, for whoever reads a sample."""
        ...

    def run(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        take: TakeAnswer = wait_for_all,
    ) -> tuple[Generation, ...]:
        """Answer requests in order, each on an empty cache.

        Args:
            artifact: Artifact to run.
            requests: Questions.
            options: How to generate.
            take: Called with every answer, in order and once, before the next is waited for.

        Raises:
            RunFailure: If the runner ended early or badly.
        """
        ...

    def measuring(self) -> AbstractContextManager[Surroundings]:
        """Surround one measured run: wait until the device is fit, note what changes meanwhile."""
        ...

    def facts(self) -> dict[str, JsonValue]:
        """What is known of it only when a session is over; empty where there is nothing."""
        ...


class ThisMachine:
    """What devices on this machine have in common."""

    is_virtual = False
    lacks: frozenset[str] = frozenset()
    method = "a discarded turn in the same process, then --max_new_tokens with --ignore_eos"

    @contextmanager
    def measuring(self) -> Iterator[Surroundings]:
        """Wait for nothing: the machine lease keeps others away."""
        yield Surroundings()

    def facts(self) -> dict[str, JsonValue]:
        """Nothing: it is not lost, and nothing is sent to it."""
        return {}

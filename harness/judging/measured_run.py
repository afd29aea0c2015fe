"""One measured run of an artifact: the answer, and what the device was like around it."""

from __future__ import annotations

from dataclasses import dataclass, field

from fixtures.judge import Judge
from harness.artifacts.artifact import Artifact
from harness.devices.device import Device, RunFailure, Surroundings
from harness.devices.phone.health.gate import DeviceBlocked
from harness.measure.gate import Context
from harness.measure.validity import RunOutcome, invalid_reason
from harness.results.rows.schema import DeviceStateRow
from harness.runtime.generation import Turn
from harness.runtime.request import Request, RunOptions


@dataclass(frozen=True)
class MeasuredRun:
    """What one process of the runner answered.

    Attributes:
        turn: Its last turn, which is the timed one.
        surroundings: The device before and after it.
    """

    turn: Turn
    surroundings: Surroundings

    def invalid_reason(self, wanted_tokens: int | None, first: Turn) -> str | None:
        """Why the run does not count (statistics §2.3), None if it does.

        Args:
            wanted_tokens: Fixed token count of every run; None if the count is free.
            first: The first run of the same artifact, which all others must answer like.
        """
        outcome = RunOutcome(
            self.turn.stats.generated_tokens, self.turn.token_ids, self.surroundings.disturbance
        )
        return invalid_reason(outcome, wanted_tokens, first.token_ids)


@dataclass
class Workload:
    """Where artifacts are run again and again with one request.

    Attributes:
        failure: What ended the last run; every further one ends so at once.
    """

    device: Device
    request: Request
    options: RunOptions
    failure: RunFailure | DeviceBlocked | None = field(default=None, init=False)

    def run(self, artifact: Artifact) -> MeasuredRun:
        """Run once.

        Raises:
            RunFailure: If the runner broke, now or before.
            DeviceBlocked: If the device did not become fit to be measured on.
        """
        if self.failure is not None:
            raise self.failure
        try:
            with self.device.measuring() as surroundings:
                turn = self.device.run(artifact, [self.request], self.options)[0].last
        except (RunFailure, DeviceBlocked) as failure:
            self.failure = failure
            raise
        return MeasuredRun(turn, surroundings)


def record_state(
    judge: Judge,
    run: MeasuredRun,
    context: Context,
    artifact: Artifact,
    run_index: int,
    cold_session: int = 0,
) -> None:
    """Write down what the device said before and after a run; nothing where nobody asks it."""
    around = run.surroundings
    if around.before is None and around.after is None:
        return
    judge.record(
        DeviceStateRow(
            **judge.subject(context, artifact).model_dump(),
            run_index=run_index,
            cold_session=cold_session,
            before=around.before,
            after=around.after,
        )
    )

"""What a measured run does: one request, again and again, in a fresh process each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.devices.device import Device, RunFailure, Surroundings
from harness.devices.phone.health.gate import DeviceBlocked
from harness.errors import UserError
from harness.judging.answer_reader import says_nothing
from harness.judging.record import Side
from harness.runtime.generation import Turn
from harness.runtime.request import Request, RunOptions
from harness.vlm.prompt import IMAGE_PLACEHOLDER
from harness.vlm.spec import VlmSpec

UPSTREAM_PROMPT = "Can you describe this image?"
"""Prompt of upstream's own test (contract §7)."""

UPSTREAM_SEQ_LEN = 1024
"""``--max_seq_len`` of upstream's own test (contract §7)."""

UPSTREAM_METRIC = "e2e_tps"
"""The one speed that upstream's own test judges (contract §7)."""

UPSTREAM_IMAGES = {
    "smolvlm_500m": "the Statue of Liberty JPEG of britannica.com",
    "internvl3_1b": "http://images.cocodataset.org/val2017/000000039769.jpg",
}
"""Picture of upstream's own test, by model (contract §7 names the first without its address)."""


@dataclass(frozen=True)
class MeasuredRun:
    """What one process of the runner answered.

    Attributes:
        turn: Its last turn, which is the timed one.
        surroundings: The device before and after it.
        side: Of a comparison; None where nothing is compared.
        degeneracy: Why the answer says nothing; None if it may say something.
    """

    turn: Turn
    surroundings: Surroundings
    side: Side | None = None
    degeneracy: str | None = None


@dataclass
class Workload:
    """Where artifacts are run again and again with one request.

    Attributes:
        label: What a turn is, where it is not the usual one: a population of its own
            (statistics §2.1).
        degeneracy_of: Says of an artifact's answer why it says nothing.
        failure: What ended the last run; every further one ends so at once.
    """

    device: Device
    request: Request
    options: RunOptions
    label: str | None = None
    degeneracy_of: Callable[[Artifact, Turn], str | None] = says_nothing
    failure: RunFailure | DeviceBlocked | None = field(default=None, init=False)

    def run(self, artifact: Artifact, side: Side | None = None) -> MeasuredRun:
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
        return MeasuredRun(turn, surroundings, side, self.degeneracy_of(artifact, turn))


def upstream_workload(device: Device, model: VlmSpec, pictures: Path) -> Workload:
    """One cold turn in kv mode, as upstream's own test takes it.

    Raises:
        UserError: If upstream does not test this model, or nobody has put its picture there.
    """
    prompt, image = f"{IMAGE_PLACEHOLDER}{UPSTREAM_PROMPT}", upstream_picture(model, pictures)
    request = Request(id="upstream", prompts=(prompt,), images=(str(image),))
    return Workload(device, request, RunOptions(mode="kv", seq_len=UPSTREAM_SEQ_LEN))


def upstream_picture(model: VlmSpec, pictures: Path) -> Path:
    """The picture of upstream's own test, which is not ours to ship.

    Raises:
        UserError: If upstream does not test this model, or nobody has put the picture there.
    """
    if model.name not in UPSTREAM_IMAGES:
        raise UserError(
            f"Upstream's test knows {' and '.join(UPSTREAM_IMAGES)}, not {model.name}; leave "
            "--protocol out."
        )
    path = pictures / f"{model.name}.jpg"
    if not path.is_file():
        raise UserError(
            f"Put upstream's picture of {model.name} at {path}: {UPSTREAM_IMAGES[model.name]}."
        )
    return path

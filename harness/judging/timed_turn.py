"""The turn by which speed is measured: its prompt, and its number of decode steps."""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifacts.artifact import Artifact
from harness.devices.device import Device
from harness.heartbeat import Tell, tell_nobody
from harness.judging.failures import AnswersTooShort
from harness.judging.questions import PictureQuestion
from harness.judging.workload import Workload
from harness.miniatures.questions import PHRASINGS
from harness.runtime.request import Request, RunOptions
from harness.vlm.prompt import IMAGE_PLACEHOLDER
from harness.vocabulary import Mode

DECODED_TOKENS = 128
"""Tokens behind the first one of the usual timed turn (statistics §2.1)."""

LEAST_DECODED_TOKENS = 32
"""Fewest that are timed: a step is an average of so many."""

_USUAL_KIND = "describe"
_AT_LENGTH = (
    "Describe the picture in as much detail as you can: everything in it, with its colour, its "
    "shape and its place."
)


def own_workload(
    device: Device,
    artifacts: Sequence[Artifact],
    mode: Mode,
    questions: Sequence[PictureQuestion],
    prompt: str | None = None,
    tell: Tell = tell_nobody,
) -> Workload:
    """A warm-up, then a fixed number of steps that describe a scene.

    A runner that cannot ignore stop tokens decodes as many steps as its answer has. Prompts are
    tried there until all artifacts answer with the usual number; else the one that is answered at
    the greatest length is taken, and its steps.

    Args:
        device: Where it is run.
        artifacts: All that are measured; one number of steps holds for them.
        mode: They run in.
        questions: About scenes; the first that asks for a description is the usual one.
        prompt: What to ask instead; None for the usual.
        tell: Shows whoever waits what is being done.

    Raises:
        AnswersTooShort: If no answer has ``LEAST_DECODED_TOKENS``.
        RunFailure: If a run breaks.
    """
    question = next(one for one in questions if one.kind == _USUAL_KIND)
    usual = question.prompt
    if "ignore_eos" not in device.lacks:
        options = RunOptions(mode=mode, warmup=1, ignore_eos=True, max_new_tokens=DECODED_TOKENS)
        asked = prompt or usual
        label = _label(asked, usual, DECODED_TOKENS)
        return Workload(device, _request(question, asked), options, label)
    own = dict.fromkeys((usual, *PHRASINGS[_USUAL_KIND], _AT_LENGTH))
    lengths: dict[str, int] = {}
    for asked in (prompt,) if prompt else own:
        tell(f"how long is the answer to {asked!r}")
        lengths[asked] = _steps(device, artifacts, mode, _request(question, asked))
        if lengths[asked] >= DECODED_TOKENS:
            break
    asked = max(lengths, key=lambda one: lengths[one])
    if lengths[asked] < LEAST_DECODED_TOKENS:
        raise AnswersTooShort(_too_short(device, lengths))
    request, steps = _request(question, asked), lengths[asked]
    if mode == "lookahead" and len(artifacts) > 1:
        steps = _common_steps(device, artifacts, request, steps)
    options = RunOptions(mode=mode, warmup=1, max_new_tokens=steps)
    return Workload(device, request, options, _label(asked, usual, steps))


def _request(question: PictureQuestion, prompt: str) -> Request:
    asked = question.request()
    return asked.model_copy(update={"prompts": (f"{IMAGE_PLACEHOLDER}{prompt}",)})


def _steps(device: Device, artifacts: Sequence[Artifact], mode: Mode, request: Request) -> int:
    """Steps that the shortest answer has, as the runner counts them, up to the usual number."""
    return min(
        _counted(device, artifacts, RunOptions(mode=mode, max_new_tokens=DECODED_TOKENS), request)
    )


def _common_steps(
    device: Device, artifacts: Sequence[Artifact], request: Request, most: int
) -> int:
    """Most steps that all artifacts take where they are asked for so many.

    A pass of lookahead decodes several tokens and goes to its end, beyond a cap within it.

    Raises:
        AnswersTooShort: If there is no such number.
    """
    for steps in range(most, LEAST_DECODED_TOKENS - 1, -1):
        options = RunOptions(mode="lookahead", max_new_tokens=steps)
        if set(_counted(device, artifacts, options, request)) == {steps}:
            return steps
    raise AnswersTooShort(
        f"No number from {LEAST_DECODED_TOKENS} to {most} of decode steps ends a pass of lookahead "
        f"with all {len(artifacts)} artifacts on {device.serial}; compare them with --mode hybrid."
    )


def _counted(
    device: Device, artifacts: Sequence[Artifact], options: RunOptions, request: Request
) -> list[int]:
    """Steps of each artifact's answer."""
    answers = (device.run(artifact, [request], options)[0].last for artifact in artifacts)
    return [turn.stats.generated_tokens for turn in answers]


def _label(prompt: str, usual: str, steps: int) -> str | None:
    if prompt == usual:
        return None if steps == DECODED_TOKENS else f"{steps} steps"
    return f"{steps} steps of {prompt!r}"


def _too_short(device: Device, lengths: dict[str, int]) -> str:
    tried = ", ".join(f"{prompt!r} {steps}" for prompt, steps in lengths.items())
    return (
        f"The runner of {device.serial} ends an answer at its stop token, speed takes at least "
        f"{LEAST_DECODED_TOKENS} decode steps, and these prompts are answered with fewer: {tried}; "
        "give one that is answered at length with --prompt."
    )

"""A phone as a device: what an artifact answers on it, and in which state it was meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pydantic import JsonValue

from harness.artifacts.artifact import Artifact, check_whole
from harness.artifacts.manifest import Manifest
from harness.devices.device import Surroundings, TakeAnswer, wait_for_all
from harness.devices.phone.compatibility import RunnerSetup, check_artifact
from harness.devices.phone.exclusive_use import end_orphans
from harness.devices.phone.files.deployment import Deployment
from harness.devices.phone.fleet.phone_claim import HeldClaim
from harness.devices.phone.fleet.phone_selection import ReadyPhone
from harness.devices.phone.fleet.recovery import Recovery
from harness.devices.phone.health.gate import Fitness
from harness.devices.phone.runner.asking import hold_dialogues
from harness.devices.phone.runner.command import (
    RemoteModel,
    command_by_hand,
    runner_arguments,
    sequence_length,
)
from harness.devices.phone.runner.dialogue import Dialogue, write_raw_image
from harness.devices.phone.runner.option_limits import completed
from harness.devices.phone.runner.output import (
    LeftBehind,
    UnusableRun,
    failed_run,
    read_answer,
)
from harness.devices.phone.runner.remote_runner import RemoteRunner
from harness.devices.transport.errors import NotEnoughSpace, PhoneFailure
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.targets.phone import PHONE
from harness.targets.registry import get_target
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import Tokenizer
from harness.vocabulary import COMPONENTS, Target

DROPS, PROVOKED_DROPS = "drops", "provoked_drops"
"""Names of the facts that count cuts of the connection, and those that a test made."""


def run_limit_s(manifest: Manifest) -> float:
    """Seconds after which one process that fills the context once counts as hung."""
    limits = get_target(manifest.target).limits
    decoder = manifest.component("text_decoder").precision
    return limits.load_s + limits.request_s(manifest.context_length, decoder)


class PhoneDevice:
    """Runs artifacts with the multimodal runner on a phone, a process per request.

    Once the phone is gone, each further run fails at once with the same words.

    Args:
        ready: The phone and what it got.
        setup: What it runs artifacts with.
        deployment: Files that the session brings.
        remote: Processes of the runner.
        scratch: Folder of this machine for raw images.
        fitness: Health of the phone.
        recovery: What brings it back when it is gone.
        claim: Claim on the phone; None for one that nobody else can reach.
    """

    target: Target = PHONE.name

    def __init__(
        self,
        ready: ReadyPhone,
        *,
        setup: RunnerSetup,
        deployment: Deployment,
        remote: RemoteRunner,
        scratch: Path,
        fitness: Fitness,
        recovery: Recovery,
        claim: HeldClaim | None,
    ) -> None:
        self._ready = ready
        self._phone = ready.found.phone
        self._setup = setup
        self._deployment = deployment
        self._remote = remote
        self._scratch = scratch
        self._fitness = fitness
        self._recovery = recovery
        self._claim = claim
        self._checked: set[Path] = set()
        self._counted: dict[Dialogue, int] = {}
        self._gone: PhoneFailure | None = None
        self._provoked = 0

    @property
    def soc(self) -> str | None:
        """Name of the phone's SoC."""
        return self._setup.soc.name

    @property
    def serial(self) -> str:
        """``ro.serialno``, by which trends know the phone."""
        return self._ready.found.serialno

    @property
    def accepted_targets(self) -> tuple[Target, ...]:
        """``phone``; what this machine runs where the phone is virtual."""
        return self._setup.accepted_targets

    @property
    def is_virtual(self) -> bool:
        """Whether there is no such phone."""
        return self._ready.found.is_virtual

    @property
    def lacks(self) -> frozenset[str]:
        """What the phone's runner has no switch for."""
        return self._setup.generation.lacks

    @property
    def method(self) -> str:
        """How warm-up and a fixed token count are reached here."""
        steps = "--seq_len of prompt + N + 1"
        is_bound = "ignore_eos" in self.lacks
        steps += ", N no more than the answer has" if is_bound else " with --ignore_eos"
        told = f"a discarded process, then {steps}"
        lacking = self._setup.generation.times_lack
        return f"{told}; load and inference times without {lacking}" if lacking else told

    @property
    def runner(self) -> str:
        """Which runner the phone has, as ``RunnerGeneration.describe`` tells."""
        return self._setup.generation.describe()

    @property
    def drops(self) -> int:
        """Cuts of the connection that this session survived, beside those that it made itself."""
        return self._phone.drops - self._provoked

    @property
    def bytes_sent(self) -> int:
        """Bytes pushed in this session."""
        return self._deployment.bytes_sent

    def facts(self) -> dict[str, JsonValue]:
        """Which runner answered, cuts of the connection, and what was pushed."""
        facts: dict[str, JsonValue] = {"runner": self.runner, DROPS: self.drops}
        return facts | {PROVOKED_DROPS: self._provoked, "bytes_sent": self.bytes_sent}

    @contextmanager
    def being_cut_off(self) -> Iterator[Callable[[], None]]:
        """What loses the phone and finds it again, as a bad cable does, while its block runs."""
        before = self._phone.drops
        try:
            yield self._phone.revive
        finally:
            self._provoked += self._phone.drops - before

    def measuring(self) -> AbstractContextManager[Surroundings]:
        """Wait until the phone is fit and tell its state before and after a run.

        Raises:
            DeviceBlocked: If it is not fit in time.
            PhoneFailure: If it is gone.
        """
        return self._fitness.measuring()

    def run(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        take: TakeAnswer = wait_for_all,
    ) -> tuple[Generation, ...]:
        """Answer requests, each in a process of its own.

        Before the first, as many whole processes as there are to be warm-up turns are discarded.
        What was answered before a phone went away and came back is not asked again.

        Raises:
            UserError: If the phone's runner cannot run the artifact or follow the options.
            RunFailure: If a run gave no answer.
            PhoneFailure: If the phone is gone, or another machine took it.
        """
        if self._gone is not None:
            raise self._gone
        if self._claim is not None:
            self._claim.check()

        answered: list[Generation] = []

        def keep(answer: Generation) -> None:
            answered.append(answer)
            take(answer)

        def run() -> tuple[Generation, ...]:
            self._answer_rest(artifact, requests, options, answered, keep)
            return tuple(answered)

        try:
            return self._recovery.rescue(self._phone, run, lambda: self._again(run))
        except NotEnoughSpace:
            # Not gone: whoever makes room has it again.
            raise
        except PhoneFailure as failure:
            self._gone = failure
            raise

    def _again(self, run: Callable[[], tuple[Generation, ...]]) -> tuple[Generation, ...]:
        """Run on a phone that was away: what ran there may run on, and files may be lost."""
        end_orphans(self._phone)
        self._deployment.restore()
        return run()

    def _answer_rest(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        answered: Sequence[Generation],
        keep: TakeAnswer,
    ) -> None:
        """Answer what is not answered yet."""
        options = completed(options, artifact.manifest)
        self._check(artifact)
        tokenizer = Tokenizer(artifact.tokenizer_path)
        dialogues = hold_dialogues(artifact, tokenizer, requests, options, self._setup.generation)
        model = self._deploy(artifact)
        rest = [*zip(requests, dialogues, strict=True)][len(answered) :]
        warm_up = rest[:1] * options.warmup
        for number, (request, dialogue) in enumerate([*warm_up, *rest]):
            left, command = self._execute(artifact, model, request, dialogue, options)
            try:
                answer = read_answer(request.id, left, dialogue, tokenizer)
            except UnusableRun as unusable:
                raise failed_run(left, str(unusable), command, tuple(answered)) from unusable
            self._counted[dialogue] = answer.turns[0].stats.prompt_tokens
            if number >= len(warm_up):
                keep(answer)

    def _check(self, artifact: Artifact) -> None:
        if artifact.directory not in self._checked:
            # A runner on a phone gets no manifest: it would load a changed file and answer wrongly.
            check_whole(artifact)
            check_artifact(artifact, self._setup)
            self._checked.add(artifact.directory)

    def _deploy(self, artifact: Artifact) -> RemoteModel:
        paths = [artifact.path(component) for component in COMPONENTS]
        files = [*paths, artifact.tokenizer_path]
        folder = self._deployment.bring_folder("artifacts", files)
        encoder, embedding, decoder, tokenizer = (f"{folder}/{path.name}" for path in files)
        return RemoteModel(
            self._remote.runner,
            encoder,
            embedding,
            decoder,
            tokenizer,
            artifact.manifest.family,
            self._setup.shares_buffers,
        )

    def _execute(
        self,
        artifact: Artifact,
        model: RemoteModel,
        request: Request,
        dialogue: Dialogue,
        options: RunOptions,
    ) -> tuple[LeftBehind, tuple[str, ...]]:
        """What a process left, and the command that does the same by hand."""
        manifest = artifact.manifest
        preprocessing = get_family(manifest.family).preprocessing
        images = tuple(
            self._deployment.bring_image(
                write_raw_image(self._scratch, source, manifest.image_size_px, preprocessing)
            )
            for source in request.images
        )
        arguments = runner_arguments(
            model,
            self._setup.generation,
            dialogue,
            images,
            options,
            system_prompt=request.system_prompt,
            seq_len=sequence_length(dialogue, options, self._counted.get(dialogue)),
        )
        command = command_by_hand(self._phone, self._remote.tools, arguments, images)
        left = self._remote.execute(arguments, images, request.id, run_limit_s(manifest))
        return left, command

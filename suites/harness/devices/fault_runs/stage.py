"""Plays one run with its fault on a fresh virtual phone behind a fresh adb server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.full_disks.small_disk import NoDisk, small_disk
from benchmarks.stand_in_runner import write_stand_in
from harness.artifacts.artifact import Artifact
from harness.devices.adb.client import AdbPhone
from harness.devices.adb.programs import adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.device import RunFailure
from harness.devices.phone.exclusive_use import held
from harness.devices.phone.fleet.phone_selection import ReadyPhone
from harness.devices.phone.health.gate import DeviceBlocked
from harness.devices.phone.runner.tools import RunnerBuild, find_build
from harness.devices.phone.set_up import open_phone
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.found_phone import FoundPhone
from harness.devices.transport.retrying import RetryLimits
from harness.errors import UserError
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.virtual_phone.machine.virtual_build import write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.fault_runs.mischief import Mischief
from suites.harness.devices.fault_runs.outcome import Ending, Outcome
from suites.harness.devices.fault_runs.plan import FaultedRun, Plan, Runner

Answer = tuple[tuple[str, tuple[int, ...]], ...]
"""Text and token ids of each turn: what two runs of one artifact have in common."""

_SOC = "SM8550"
_DISK_KIB = 96 << 10
"""Of a phone whose disk fills up: a session wants 64 MiB of it free."""
_TOLD = (PhoneFailure, DeviceBlocked, RunFailure, UserError)
"""Errors that are made for people."""


class Stage:
    """Where runs with faults are played.

    Args:
        plan: Times and limits.
        artifact: Runs on this machine.
        request: Of one turn.
        folder: For runners and leases.
    """

    def __init__(self, plan: Plan, artifact: Artifact, request: Request, folder: Path) -> None:
        self.plan = plan
        self._artifact = artifact
        self._request = request
        self._folder = folder
        family = artifact.manifest.family
        self._builds: dict[Runner, RunnerBuild] = {
            "stand-in": find_build(write_stand_in(folder / "stand-in", family, request)),
            "real": find_build(write_virtual_build(folder / "real")),
        }
        self._undisturbed: dict[Runner, Answer] = {}

    def undisturbed(self, runner: Runner) -> Answer:
        """What a run without a fault answers; played once."""
        if runner not in self._undisturbed:
            program = next(program for program in adb_programs() if program.installed)
            with PrivateAdbServer(program.path) as server, VirtualPhone(_SOC) as phone:
                server.attach(phone)
                self._undisturbed[runner] = self._answer(phone, server, runner)
        return self._undisturbed[runner]

    def play(self, run: FaultedRun) -> Outcome:
        """Play one run; it never takes longer than its deadline."""
        expected = self.undisturbed(run.runner)
        program = adb_programs()[run.adb]
        with (
            self._disk_of(run) as root,
            PrivateAdbServer(program.path) as server,
            VirtualPhone(_SOC, root=root) as phone,
        ):
            server.attach(phone)
            with Mischief(run, phone, server) as mischief:
                if run.is_early:
                    mischief.arm()
                began = time.monotonic()
                played = self._within_deadline(
                    lambda: self._answer(phone, server, run.runner, mischief.arm)
                )
                seconds = time.monotonic() - began
                struck, drops = mischief.struck, mischief.drops
        ending, words = judge(run, expected, played)
        return Outcome(
            seed=run.seed,
            fault=run.fault.name,
            runner=run.runner,
            adb=program.name,
            ending=ending,
            words=words,
            struck=struck,
            drops=drops,
            seconds=seconds,
        )

    @contextmanager
    def _disk_of(self, run: FaultedRun) -> Iterator[Path | None]:
        """A phone's folder whose disk fills up truly, where this user may mount one."""
        if run.fault.act != "fill_disk":
            yield None
            return
        with ExitStack() as stack:
            root = Path(stack.enter_context(TemporaryDirectory(dir=self._folder)))
            with suppress(NoDisk):
                stack.enter_context(small_disk(root / "data", _DISK_KIB))
            yield root

    def _within_deadline(self, action: Callable[[], Answer]) -> Answer | Exception | None:
        """What it returned or raised; None if it had done neither in time."""
        done: list[Answer | Exception] = []

        def act() -> None:
            try:
                done.append(action())
            except _TOLD as error:
                done.append(error)

        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        thread.join(self.plan.deadline_s)
        return done[0] if done else None

    def _answer(
        self,
        phone: VirtualPhone,
        server: PrivateAdbServer,
        runner: Runner,
        on_open: Callable[[], None] = lambda: None,
    ) -> Answer:
        adb = AdbPhone(AdbServer(ServerAddress(port=server.port)), phone.serial)
        found = FoundPhone(
            adb,
            phone.serialno,
            _SOC,
            _SOC,
            "Virtual Phone",
            "",
            accepted_targets=("host",),
        )
        ready = ReadyPhone(found, self._builds[runner])
        retry_limits = RetryLimits(absence_s=self.plan.absence_s)
        options = RunOptions(mode="hybrid")
        with (
            held(adb, phone.serialno, self._folder / "leases") as claim,
            open_phone(ready, retry_limits=retry_limits, claim=claim) as device,
        ):
            on_open()
            with device.measuring() as around:
                answered = device.run(self._artifact, [self._request], options)
            assert around.before is not None
            assert around.after is not None
            return answer_of(answered)


def answer_of(generations: Sequence[Generation]) -> Answer:
    """What a run answered, without how long it took."""
    return tuple((turn.text, turn.token_ids) for one in generations for turn in one.turns)


def judge(
    run: FaultedRun, expected: Answer, played: Answer | Exception | None
) -> tuple[Ending, str]:
    """How a run ended, against how it has to."""
    if played is None:
        return "hang", "no answer and no error before the deadline"
    if not isinstance(played, Exception):
        if played != expected:
            return "wrong result", f"{played} instead of {expected}"
        return "result", ""
    words = f"{type(played).__name__}: {played}"
    if run.fault.ends == "result":
        return "lost result", words
    if any(word in words for word in run.fault.words):
        return "named error", words
    return "unnamed error", words

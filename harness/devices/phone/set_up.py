"""Getting a phone ready for a session: its tools are there, and its runner has said what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import platformdirs

from harness.devices.adb.files.local_digests import LocalDigests
from harness.devices.adb.files.push_order import Progress
from harness.devices.adb.fleet.phone_claim import HeldClaim
from harness.devices.adb.fleet.recovery import Recovery
from harness.devices.adb.health.state import PhoneState, read_state
from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.retrying import RetryLimits, retrying
from harness.devices.phone.compatibility import RunnerSetup
from harness.devices.phone.deployment import Deployment
from harness.devices.phone.fitness import Fitness
from harness.devices.phone.phone_device import PhoneDevice, PhoneParts
from harness.devices.phone.qnn_files import PhoneLibraries
from harness.devices.phone.raw_images import RawImages
from harness.devices.phone.remote_runner import RemoteRunner
from harness.devices.phone.runner_build import RunnerBuild
from harness.devices.phone.runner_generation import read_generation
from harness.run_folder import run_folder
from harness.targets.soc import Soc
from harness.vocabulary import Target

ReportProgress = Callable[[Progress], None]

_LOOK_S = 180.0
"""For a phone's state, cuts included; it answers in a second."""


@dataclass(frozen=True)
class PhoneKit:
    """What goes onto a phone besides artifacts.

    Attributes:
        soc: Of the phone.
        accepted_targets: Targets whose artifacts it loads.
        build: The runner.
        libraries: QNN's for its HTP; None for a virtual phone, whose runner has its own.
    """

    soc: Soc
    accepted_targets: tuple[Target, ...]
    build: RunnerBuild
    libraries: PhoneLibraries | None


@contextmanager
def open_phone(
    phone: AdbPhone,
    serialno: str,
    kit: PhoneKit,
    on_progress: ReportProgress = lambda progress: None,
    retry_limits: RetryLimits | None = None,
    claim: HeldClaim | None = None,
    recovery: Recovery | None = None,
) -> Iterator[PhoneDevice]:
    """Bring the tools, ask the runner what it is, and hand out the device.

    Args:
        phone: Leased to this process.
        serialno: The phone's own.
        kit: What it gets.
        on_progress: Told after each MiB or so that is pushed.
        retry_limits: How long the phone may be away, whatever is done with it.
        claim: On the phone; None for one that nobody else can reach.
        recovery: Brings it back when it is gone; None where nothing does.

    Raises:
        UserError: If the phone has no room, or the program is no multimodal runner.
        AdbFailure: If the phone is gone.
    """
    retry_limits, recovery = retry_limits or RetryLimits(), recovery or Recovery(None)
    memory = Path(platformdirs.user_cache_dir("snapgate")) / "digests.json"
    deployment = Deployment(phone, LocalDigests(memory), on_progress, retry_limits)
    libraries = kit.libraries.files if kit.libraries else ()
    tools = deployment.bring_folder("tools", (*kit.build.files, *libraries))
    remote = RemoteRunner(phone, tools, retry_limits, deployment.restore)
    runner = f"{tools}/{kit.build.runner.name}"
    generation = read_generation(remote.help_text(runner), kit.build.runner)
    version = kit.libraries.version if kit.libraries else None
    look = partial(_look, phone, retry_limits)
    with run_folder() as scratch:
        yield PhoneDevice(
            PhoneParts(
                serialno=serialno,
                runner_path=runner,
                setup=RunnerSetup(kit.soc, kit.accepted_targets, generation, version),
                deployment=deployment,
                remote=remote,
                images=RawImages(scratch),
                fitness=Fitness(
                    serialno,
                    lambda: recovery.rescue(phone, look, look),
                    other_user=lambda: claim.other_user if claim else None,
                ),
                adb=phone,
                recovery=recovery,
                claim=claim,
            )
        )


def _look(phone: AdbPhone, retry_limits: RetryLimits) -> PhoneState:
    """The phone's state, through cuts: one of them must not cost what was measured."""
    return retrying(phone, _LOOK_S, retry_limits).until_done(lambda: read_state(phone))

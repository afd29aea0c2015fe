"""Getting a phone ready for a session: its tools are there, and its runner has said what it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import platformdirs

from harness.devices.phone.compatibility import RunnerSetup
from harness.devices.phone.files.deployment import Deployment
from harness.devices.phone.files.local_digests import LocalDigests
from harness.devices.phone.fleet.phone_claim import HeldClaim
from harness.devices.phone.fleet.phone_selection import ReadyPhone
from harness.devices.phone.fleet.recovery import Recovery
from harness.devices.phone.health.gate import Fitness
from harness.devices.phone.health.state import PhoneState, read_state
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.runner.generation import read_generation
from harness.devices.phone.runner.remote_runner import RemoteRunner
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import RetryLimits, retrying
from harness.run_folder import run_folder
from harness.targets.soc import get_soc

_LOOK_S = 180.0
"""For a phone's state, cuts included; it answers in a second."""


@contextmanager
def open_phone(
    ready: ReadyPhone, retry_limits: RetryLimits | None = None, claim: HeldClaim | None = None
) -> Iterator[PhoneDevice]:
    """Bring the tools, ask the runner what it is, and hand out the device.

    Args:
        ready: The phone, leased to this process, and what it gets.
        retry_limits: How long the phone may be away, whatever is done with it.
        claim: Claim on the phone; None for one that nobody else can reach.

    Raises:
        UserError: If the phone has no room, or the program is no multimodal runner.
        PhoneFailure: If the phone is gone.
    """
    retry_limits, recovery = retry_limits or RetryLimits(), Recovery(ready.entry)
    found, build, libraries = ready.found, ready.build, ready.libraries
    phone = found.phone
    memory = Path(platformdirs.user_cache_dir("snapgate")) / "digests.json"
    deployment = Deployment(phone, LocalDigests(memory), retry_limits)
    # What both bring, the C++ runtime for instance, is the build's.
    named = {path.name: path for path in (*(libraries.files if libraries else ()), *build.files)}
    tools = deployment.bring_folder("tools", tuple(named.values()))
    remote = RemoteRunner(phone, tools, build.runner.name, retry_limits, deployment.restore)
    setup = RunnerSetup(
        get_soc(found.soc),
        found.accepted_targets,
        read_generation(remote.help_text(), build.runner),
        libraries.version if libraries else None,
        shares_buffers=libraries is None or not found.is_virtual,
    )
    look = partial(_look, phone, retry_limits)
    fitness = Fitness(
        found.serialno,
        lambda: recovery.rescue(phone, look, look),
        other_user=lambda: claim.other_user if claim else None,
    )
    with run_folder() as scratch:
        yield PhoneDevice(
            ready,
            setup=setup,
            deployment=deployment,
            remote=remote,
            scratch=scratch,
            fitness=fitness,
            recovery=recovery,
            claim=claim,
        )


def _look(phone: Commands, retry_limits: RetryLimits) -> PhoneState:
    """The phone's state, through cuts: one of them must not cost what was measured."""
    return retrying(phone, _LOOK_S, retry_limits).until_done(lambda: read_state(phone))

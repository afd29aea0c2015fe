"""This machine's CPU as a device."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.devices.device import Device, TakeAnswer, ThisMachine, wait_for_all
from harness.devices.place import Place, PlaceRequest
from harness.devices.runner_process import TimeLimits, answer_requests
from harness.errors import UserError
from harness.results.provenance import describe_host
from harness.results.rows.schema import HostInfo
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.targets.host import HOST
from harness.vocabulary import Target

_MACHINE_ID = Path("/etc/machine-id")


class HostDevice(ThisMachine):
    """Runs the Python runner as a process of its own, as a phone runs the C++ one.

    Args:
        start_timeout_s: Time to start and to load the model.
        request_timeout_s: Time for each request and each warm-up conversation.
    """

    target: Target = HOST.name
    soc: str | None = None

    def __init__(self, start_timeout_s: float = 120.0, request_timeout_s: float = 60.0) -> None:
        self._limits = TimeLimits(start_timeout_s, request_timeout_s)

    @property
    def serial(self) -> str:
        """``host-`` and eight hex digits, so that trends never mix machines."""
        return serial_of(describe_host(), machine_name(_MACHINE_ID))

    def run(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        take: TakeAnswer = wait_for_all,
    ) -> tuple[Generation, ...]:
        """Answer requests in one process, each on an empty cache.

        Raises:
            RunFailure: As ``answer_requests``.
        """
        return answer_requests(artifact, requests, options, self._limits, take=take)


class HostPlace(Place):
    """This machine, whose CPU needs nothing but the runner."""

    @classmethod
    def choose(cls, asked: PlaceRequest) -> Place:
        """Refuse what only an HTP has."""
        for name in ("soc", "qnn_dir"):
            if asked.options[name] is not None:
                flag = f"--{name.replace('_', '-')}"
                raise UserError(
                    f"{flag} is no matter of --target {asked.target.name}; add --target emulator, "
                    f"or leave {flag} out."
                )
        return cls(asked.target)

    def open(self) -> AbstractContextManager[Device]:
        """The device."""
        return nullcontext(HostDevice())


def serial_of(host: HostInfo, machine: str) -> str:
    """Serial of a machine: its processor, core count and name in eight hex digits."""
    identity = f"{machine} {host.cpu_model} {host.cores}"
    return f"host-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def machine_name(machine_id: Path) -> str:
    """What systemd keeps in ``/etc/machine-id`` for good; the network name where it keeps none.

    A container's network name is another one in every run, its ``machine-id`` is the image's.
    """
    try:
        return machine_id.read_text(encoding="utf-8").strip() or platform.node()
    except OSError:
        return platform.node()

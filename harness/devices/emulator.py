"""Qualcomm's HTP emulator on this machine as a device."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import Manifest
from harness.backends.qnn.libraries import find_libraries
from harness.backends.qnn.probe import probe_qnn
from harness.devices.device import Device, TakeAnswer, ThisMachine, wait_for_all
from harness.devices.place import Place, PlaceRequest
from harness.devices.runner_process import TimeLimits, answer_requests
from harness.errors import UserError
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.targets.emulator import EMULATOR
from harness.targets.soc import get_soc
from harness.vocabulary import Target


class EmulatorDevice(ThisMachine):
    """Runs the Python runner on QNN's x86 libraries, which compute what the HTP of a SoC would.

    Its numerics are those of the graphs; its speed says nothing about a phone.

    Args:
        soc: SoC that the artifacts were compiled for.
        qnn_dir: QNN libraries; None for those that the runner finds.
        limits: Wall time of a run; None for a pass per token of the context in each request, each
            as slow as a miniature's may be.
    """

    target: Target = EMULATOR.name

    def __init__(
        self, soc: str, qnn_dir: Path | None = None, limits: TimeLimits | None = None
    ) -> None:
        self._soc = soc
        self._qnn_dir = qnn_dir
        self._limits = limits

    @property
    def soc(self) -> str | None:
        """Name of the SoC that is emulated."""
        return self._soc

    @property
    def serial(self) -> str:
        """``emulator-SM8650``: answers are the same on every machine."""
        return f"emulator-{self._soc}"

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
        flags = ["--soc", self._soc]
        if self._qnn_dir is not None:
            flags += ["--qnn_dir", str(self._qnn_dir.absolute())]
        limits = self._limits or _limits_of(artifact.manifest)
        return answer_requests(artifact, requests, options, limits, flags, take)


def _limits_of(manifest: Manifest) -> TimeLimits:
    decoder = manifest.component("text_decoder").precision
    request_s = EMULATOR.limits.request_s(manifest.context_length, decoder)
    return TimeLimits(EMULATOR.limits.load_s, request_s)


class EmulatorPlace(Place):
    """This machine, with QNN's libraries for it."""

    @classmethod
    def choose(cls, asked: PlaceRequest) -> Place:
        """Find SoC and libraries."""
        of_artifact = asked.given.soc if asked.given is not None else None
        named = asked.options["soc"] or of_artifact or asked.target.default_soc
        if named is None:
            raise UserError(
                f"--target {asked.target.name} is for one SoC; name it with --soc SM8650."
            )
        soc = get_soc(named).name
        if of_artifact not in (None, soc):
            raise UserError(
                f"--pre-gen-pte holds an artifact for {of_artifact}, not {soc}; leave --soc out."
            )
        find_libraries(asked.options["qnn_dir"])
        return cls(asked.target, soc, asked.options["qnn_dir"])

    def open(self) -> AbstractContextManager[Device]:
        """The device."""
        assert self.soc is not None
        return nullcontext(EmulatorDevice(self.soc, self.qnn_dir))

    def device_facts(self) -> dict[str, Any]:
        """QNN's version; None where QNN does not start: the first run says why."""
        try:
            return {"qnn_version": probe_qnn(self.qnn_dir).build_id}
        except UserError:
            return {"qnn_version": None}

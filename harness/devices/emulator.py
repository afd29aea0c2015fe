"""Qualcomm's HTP emulator on this machine as a device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.devices.device import ThisMachine
from harness.devices.runner_process import TimeLimits, answer_requests
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.vocabulary import Target

START_TIMEOUT_S = 600.0
"""To load three contexts; a first run also compiles the shim in front of QNN's libraries."""

PASS_TIMEOUT_S = 1.0
"""For one pass of a miniature: 40 to 150 ms of CPU time, on a machine that does other work too."""

FP16_PASS_TIMEOUT_S = 15.0
"""As ``PASS_TIMEOUT_S``: fp16 is emulated operation by operation, 1 s of CPU time and more."""


class EmulatorDevice(ThisMachine):
    """Runs the Python runner on QNN's x86 libraries, which compute what the HTP of a SoC would.

    Its numerics are those of the graphs; its speed says nothing about a phone.

    Args:
        soc: SoC that the artifacts were compiled for.
        qnn_dir: QNN libraries; None for those that the runner finds.
        start_timeout_s: Time to start and to load the model.
        request_timeout_s: Time for each request; None for a pass per token of the context, each as
            slow as a miniature's may be.
    """

    target: Target = "emulator"
    accepted_targets: tuple[Target, ...] = ("emulator",)

    def __init__(
        self,
        soc: str,
        qnn_dir: Path | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
        request_timeout_s: float | None = None,
    ) -> None:
        self._soc = soc
        self._qnn_dir = qnn_dir
        self._start_timeout_s = start_timeout_s
        self._request_timeout_s = request_timeout_s

    @property
    def soc(self) -> str | None:
        """Name of the SoC that is emulated."""
        return self._soc

    @property
    def serial(self) -> str:
        """``emulator-SM8650``: answers are the same on every machine."""
        return f"emulator-{self._soc}"

    def run(
        self, artifact: Artifact, requests: Sequence[Request], options: RunOptions
    ) -> tuple[Generation, ...]:
        """Answer requests in one process, each on an empty cache.

        Raises:
            RunFailure: As ``answer_requests``.
        """
        flags = ["--soc", self._soc]
        if self._qnn_dir is not None:
            flags += ["--qnn_dir", str(self._qnn_dir.absolute())]
        return answer_requests(artifact, requests, options, self._limits(artifact), flags)

    def _limits(self, artifact: Artifact) -> TimeLimits:
        if self._request_timeout_s is not None:
            return TimeLimits(self._start_timeout_s, self._request_timeout_s)
        manifest = artifact.manifest
        is_fp16 = manifest.component("text_decoder").precision == "fp16"
        pass_s = FP16_PASS_TIMEOUT_S if is_fp16 else PASS_TIMEOUT_S
        return TimeLimits(self._start_timeout_s, manifest.context_length * pass_s)

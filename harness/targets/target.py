"""What a target is: all that anybody has to know of it without opening it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.targets.backend import BackendSpec
from harness.vocabulary import Precision, Target


@dataclass(frozen=True)
class RunLimits:
    """How long a process of the runner may take before it counts as hung.

    Attributes:
        load_s: To start and to load three files.
        pass_s: For one pass of the decoder.
        fp16_pass_s: The same for a decoder in float16.
    """

    load_s: float
    pass_s: float
    fp16_pass_s: float

    def request_s(self, passes: int, decoder: Precision) -> float:
        """Seconds for a request that takes so many passes."""
        return passes * (self.fp16_pass_s if decoder == "fp16" else self.pass_s)


# Three contexts of a full-size model from flash, on a phone that does other work too; the slowest
# decode published for these models is 10 times faster.
_LIMITS_OF_PHONES = RunLimits(load_s=300.0, pass_s=0.5, fp16_pass_s=0.5)


@dataclass(frozen=True)
class TargetSpec:
    """A kind of place that artifacts run on.

    Attributes:
        name: As ``--target``, manifests and rows write it.
        backend: What graphs are lowered to for it.
        place: ``module:class`` of its :class:`harness.devices.place.Place`, which finds in a
            session's options where to run and opens the device; imported when it is needed.
        files_place: The same of one that opens no device, for sessions that judge what files are
            and name none; None where there always is one.
        farms_place: The same of one whose devices are at a farm's hosts; None where a farm's host
            runs it as this machine would.
        default_soc: SoC that an HTP artifact is compiled for where nobody names one; None where
            one must be named, and without an HTP.
        limits: Of its artifacts' runs, on a phone unless it says otherwise.
        is_remote: Whether its devices are machines of their own: each worker of a session has one,
            a cable may lose it, and measuring on it leaves this machine to others.
        is_full_size: Whether it is there for the full-size models; elsewhere miniatures run
            unless a model is named.
        is_quick: Whether a miniature is exported and answers within seconds, so that a session
            also looks at what nobody asked for: a second recipe, and lookahead on a few scenes.
        measures_speed: Whether its speed means anything; if not it feeds no gate and no trend.
        shares_memory: Whether graphs are compiled to share weights with each other and buffers
            with the HTP, which an emulator cannot load.
    """

    name: Target
    backend: BackendSpec
    place: str
    files_place: str | None = None
    farms_place: str | None = None
    default_soc: str | None = None
    limits: RunLimits = _LIMITS_OF_PHONES
    is_remote: bool = False
    is_full_size: bool = False
    is_quick: bool = False
    measures_speed: bool = True
    shares_memory: bool = False

    @property
    def is_bound_by_dram(self) -> bool:
        """Whether its speed says how near a SoC's memory comes to what it allows."""
        return self.backend.is_htp and self.measures_speed

    @property
    def why_no_speed(self) -> str:
        """What there is to say where it measures none."""
        return f"the {self.name}'s speed says nothing about a phone"

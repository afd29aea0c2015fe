"""Where a session runs: found in its options before anything is exported, opened when it runs."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.artifacts.manifest import Manifest
from harness.devices.device import Device
from harness.errors import UserError
from harness.targets.registry import DEFAULT_REMOTE_TARGET, DEFAULT_TARGET, get_target
from harness.targets.target import TargetSpec

_OF_PHONES = frozenset({"adb_host", "build_dir", "phones"})
"""Options that say which phones, or what runs on them."""


@dataclass(frozen=True)
class PlaceRequest:
    """What a session says about where it is to run.

    Attributes:
        target: Target that it asks for.
        options: All options by name.
        given: Manifest of ``--pre-gen-pte``, which decides where options say nothing.
        workers: Processes of pytest-xdist that need a device each; None without them.
        root: Folder of the session's configuration.
        recovers: Whether to bring phones back that are missing; a session that cannot begin
            anyhow does not.
        typed: Names of the options that the command line has.
        ask: Asks the user about commands of files that may be somebody else's.
    """

    target: TargetSpec
    options: Mapping[str, Any]
    given: Manifest | None = None
    workers: int | None = None
    root: Path = Path()
    recovers: bool = True
    typed: Set[str] = frozenset()
    ask: Callable[[str], bool] = lambda question: False


@dataclass(frozen=True)
class Place(ABC):
    """Where a session runs; a kind of it per target.

    Attributes:
        soc: Name of the SoC; None where there is no HTP.
        qnn_dir: QNN's libraries for this machine; None to look in the usual places.
    """

    target: TargetSpec
    soc: str | None = None
    qnn_dir: Path | None = None

    @classmethod
    @abstractmethod
    def choose(cls, asked: PlaceRequest) -> Place:
        """Resolve the options that say where.

        Raises:
            UserError: If they contradict each other or the artifact, or what the target needs is
                not here.
        """

    @abstractmethod
    def open(self) -> AbstractContextManager[Device]:
        """The device, for as long as the block lasts.

        Raises:
            UserError: If it cannot be used after all.
        """

    @property
    def artifact_target(self) -> TargetSpec:
        """What artifacts are exported for."""
        return self.target

    @property
    def artifact_soc(self) -> str | None:
        """SoC that they are exported for."""
        return self.soc if self.artifact_target.backend.is_htp else None

    @property
    def runs_models(self) -> bool:
        """Whether there is a device at all; what files are is judged without one, too."""
        return True

    @property
    def is_virtual(self) -> bool:
        """Whether it is a device that does not exist."""
        return False

    @property
    def serials(self) -> tuple[str, ...]:
        """Serials of the devices to deal to workers; none where they share this machine."""
        return ()

    def describe(self) -> str | None:
        """What answers there, for the head of a session; None where the target says it all."""
        return None

    def device_facts(self) -> dict[str, Any]:
        """Fields of a ``DeviceRow`` in which the device differs from this machine."""
        return {}


def choose_place(
    options: Mapping[str, Any],
    given: Manifest | None,
    workers: int | None,
    root: Path,
    recovers: bool = True,
    typed: Set[str] = frozenset(),
    ask: Callable[[str], bool] = lambda question: False,
    suites: Set[str] = frozenset(),
) -> Place:
    """Resolve the options that say where; see ``PlaceRequest`` for the arguments.

    ``suites`` are all that tests may be of, empty where that is unknown: what files are takes no
    device, unless options name one.

    Raises:
        UserError: As ``Place.choose``.
    """
    target = asked_target(options, given)
    if not target.is_remote:
        _refuse_what_is_elsewhere(target, options, given, typed)
    names_none = all(options[name] is None for name in (*_OF_PHONES, "serial"))
    judges_files = suites == {"size"} and names_none and target.files_place
    is_elsewhere = options["farm"] is not None and target.farms_place
    kind: type[Place] = pkgutil.resolve_name(judges_files or is_elsewhere or target.place)
    return kind.choose(PlaceRequest(target, options, given, workers, root, recovers, typed, ask))


def asked_target(options: Mapping[str, Any], given: Manifest | None = None) -> TargetSpec:
    """The target that options ask for, or that an artifact they give is for."""
    if options["target"] is not None:
        return get_target(options["target"])
    if options["serial"] is not None:
        return get_target(DEFAULT_REMOTE_TARGET)
    if given is not None:
        return get_target(given.target)
    return get_target(DEFAULT_TARGET if options["soc"] is None else DEFAULT_REMOTE_TARGET)


def _refuse_what_is_elsewhere(
    target: TargetSpec, options: Mapping[str, Any], given: Manifest | None, typed: Set[str]
) -> None:
    if options["serial"] is not None:
        raise UserError(f"--serial is no matter of --target {target.name}; leave one of them out.")
    for name in sorted(_OF_PHONES & typed):
        flag = f"--{name.replace('_', '-')}"
        raise UserError(
            f"{flag} is for phones, and this session runs on the {target.name}; add --soc or "
            f"--serial of one (--serial virtual:SM8550 for one of this machine), or leave {flag} "
            "out."
        )
    if given is not None and given.target != target.name:
        raise UserError(
            f"--pre-gen-pte holds an artifact for the {given.target}, which the {target.name} does "
            f"not run; use --target {given.target}, or export it with --target {target.name}."
        )

"""All targets there are: ours, and those that other packages add.

Another package adds one by an entry point in the group ``snapgate.targets`` that leads to its
``TargetSpec``; so every process of a session knows it, workers and exporters included.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator

from harness.errors import UserError, suggest
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.targets.phone import PHONE
from harness.targets.target import TargetSpec
from harness.vocabulary import Target

GROUP = "snapgate.targets"

DEFAULT_TARGET = HOST.name
"""Where nobody asks for anything that other targets have."""

DEFAULT_REMOTE_TARGET = PHONE.name
"""What a serial number or a SoC alone asks for, and what devices that say nothing else are."""

_OURS = (HOST, EMULATOR, PHONE)


@cache
def targets() -> Mapping[Target, TargetSpec]:
    """All targets by name, ours first; other packages are looked through once per process.

    Raises:
        UserError: If an entry point leads to no target, or two targets have one name.
    """
    found = {target.name: target for target in _OURS}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        target = entry.load()
        where = f"Entry point {entry.name} = {entry.value!r} of {entry.dist and entry.dist.name}"
        if not isinstance(target, TargetSpec):
            raise UserError(f"{where} leads to no TargetSpec; correct it, or remove the package.")
        if target.name in found:
            raise UserError(
                f"{where} is a second target {target.name!r}; rename it, or remove the package."
            )
        found[target.name] = target
    return MappingProxyType(found)


def get_target(name: str) -> TargetSpec:
    """Look up a target.

    Raises:
        UserError: If there is none of that name; the message names the nearest one.
    """
    if name not in targets():
        raise UserError(f"There is no target {name!r}; {suggest(name, targets())}.")
    return targets()[name]


def target_names() -> tuple[Target, ...]:
    """What ``--target`` takes."""
    return tuple(targets())


def speedless_targets() -> Mapping[Target, TargetSpec]:
    """Targets whose speed means nothing, by name."""
    return {name: target for name, target in targets().items() if not target.measures_speed}


def _known(name: str) -> Target:
    if name not in targets():
        raise ValueError(f"there is no target {name!r}; {suggest(name, targets())}")
    return name


KnownTarget = Annotated[Target, AfterValidator(_known)]
"""Of a field that a person or a file fills in. Stored rows have plain names: they are read where
the package that measured them is not installed."""

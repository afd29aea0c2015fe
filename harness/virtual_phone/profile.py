"""What kind of phone a virtual phone is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.virtual_phone.machine.sandbox import Isolation
from harness.virtual_phone.protocol.packets import (
    MAX_PAYLOAD_BYTES,
    OLD_MAX_PAYLOAD_BYTES,
    VERSION_WITH_CHECKSUMS,
    VERSION_WITHOUT_CHECKSUMS,
)

FEATURES = (
    "shell_v2",
    "cmd",
    "stat_v2",
    "ls_v2",
    "fixed_push_mkdir",
    "fixed_push_symlink_timestamp",
    "apex",
    "remount_shell",
    "sendrecv_v2",
)


@dataclass(frozen=True)
class Dialect:
    """How a phone's adbd speaks.

    Attributes:
        features: What it names in its greeting.
        version: Of the protocol.
        payload_bytes: Largest packet that it takes.
    """

    features: tuple[str, ...] = FEATURES
    version: int = VERSION_WITHOUT_CHECKSUMS
    payload_bytes: int = MAX_PAYLOAD_BYTES


OLD_DIALECT = Dialect((), VERSION_WITH_CHECKSUMS, OLD_MAX_PAYLOAD_BYTES)
"""A phone of before 2016: no shell v2, no sync v2, checksums, smaller packets."""


@dataclass(frozen=True)
class PhoneProfile:
    """A phone that is to be.

    Attributes:
        folder: Of its files; kept when it ends.
        properties: System properties.
        dialect: How its adbd speaks.
        isolation: Kind of sandbox; None for the best that the machine allows.
    """

    folder: Path
    properties: Mapping[str, str]
    dialect: Dialect = field(default=Dialect())
    isolation: Isolation | None = None

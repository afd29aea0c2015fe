"""Phones that were found, and what is the matter with those that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.phone import Phone
from harness.targets.registry import DEFAULT_REMOTE_TARGET, get_target
from harness.vocabulary import Target


class PhoneUnusable(PhoneFailure):
    """A phone that is there and cannot be used.

    Attributes:
        serial: Name under which its transport lists it.
        reason: What is the matter, as part of a sentence.
        remedy: What to do.
        is_silent: Whether it just does not answer, which a power cycle may change.
    """

    def __init__(self, serial: str, reason: str, remedy: str, is_silent: bool = False) -> None:
        super().__init__(f"{serial} {reason}; {remedy}")
        self.serial = serial
        self.reason = reason
        self.remedy = remedy
        self.is_silent = is_silent


@dataclass(frozen=True)
class FoundPhone:
    """A phone that can be used.

    Attributes:
        phone: The way to it: commands and files.
        serialno: Its identity, ``ro.serialno``: a serial of adb changes with the connection.
        soc: ``SM8550``; what follows the model number is left out.
        soc_raw: SoC as the phone tells it, ``SM8750P`` for instance.
        model: Product name of the phone.
        fingerprint: Name of its Android build.
        accepted_targets: Targets whose artifacts it loads; a virtual phone's are other ones.
        also_at: Further serials under which the same phone is listed.
    """

    phone: Phone
    serialno: str
    soc: str
    soc_raw: str
    model: str
    fingerprint: str
    accepted_targets: tuple[Target, ...] = (DEFAULT_REMOTE_TARGET,)
    also_at: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All that ``--serial`` may call it."""
        return self.serialno, self.phone.serial, *self.also_at

    @property
    def is_virtual(self) -> bool:
        """Whether its speed says nothing of any phone."""
        return not get_target(self.accepted_targets[0]).is_remote

    def __str__(self) -> str:
        serial = "" if self.phone.serial == self.serialno else f" at {self.phone.serial}"
        return f"{self.serialno}{serial} ({self.model}, {self.soc_raw})"


@dataclass(frozen=True)
class Discovery:
    """What a transport sees.

    Attributes:
        phones: Usable ones, each once, by serial number.
        unusable: The others, with reason and remedy.
    """

    phones: tuple[FoundPhone, ...]
    unusable: tuple[PhoneUnusable, ...]

"""The phones that a session asks for, may use, and deals to its workers."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.devices.phone.fleet.inventory import Inventory, InventoryPhone
from harness.devices.phone.qnn_version import QnnVersion
from harness.devices.phone.runner.tools import PhoneLibraries, RunnerBuild
from harness.devices.transport.found_phone import Discovery, FoundPhone
from harness.errors import UserError


@dataclass(frozen=True)
class PhoneRequest:
    """What the options of a session say about phones.

    Attributes:
        soc: Start of the SoC's name; None for any.
        serial: Serial of one phone, or its name in the inventory; None for any.
        adb_hosts: Addresses of adb servers; none for this machine's.
        adb_program: Starts this machine's server where there is none; None for the one found.
        build_dir: ExecuTorch's build for Android; for virtual phones, one for this machine.
        qnn_dir: QNN's libraries likewise; None for those of ``QNN_SDK_ROOT``.
        made_by: QNN that artifacts will be exported with; None where none is exported.
        inventory: The laboratory's phones.
        count: How many phones are needed.
        check_files: Raises ``UserError`` if no phone could run what is given or exported here, or
            this machine cannot export it; None where that is no question.
    """

    soc: str | None
    serial: str | None
    adb_hosts: tuple[str, ...] = ()
    adb_program: Path | None = None
    build_dir: Path | None = None
    qnn_dir: Path | None = None
    made_by: QnnVersion | None = None
    inventory: Inventory = field(default_factory=Inventory)
    count: int = 1
    check_files: Callable[[], object] | None = None

    @property
    def serialno(self) -> str | None:
        """The serial that is asked for, by whatever name."""
        return None if self.serial is None else self.inventory.serialno_of(self.serial)


@dataclass(frozen=True)
class ReadyPhone:
    """A phone with all that it needs.

    Attributes:
        found: Phone, as its transport found it.
        build: Runner for it.
        libraries: QNN's libraries for its HTP, or for the emulator; None for a virtual phone whose
            runner has its own.
        entry: What the inventory says of it; None if it does not know it.
    """

    found: FoundPhone
    build: RunnerBuild
    libraries: PhoneLibraries | None = None
    entry: InventoryPhone | None = None


def choose_phones(found: Discovery, soc: str | None, serial: str | None) -> tuple[FoundPhone, ...]:
    """All usable phones that fit ``--soc`` and ``--serial``, at least one.

    Args:
        found: Phones that are plugged in.
        soc: Start of the SoC's model number, ``SM8550``; None for any.
        serial: ``ro.serialno`` or adb's own serial; None for any.

    Raises:
        UserError: If there is none; the sentence names what is there instead.
    """
    if serial is not None:
        return (_with_serial(found, soc, serial),)
    fitting = tuple(phone for phone in found.phones if _has(phone, soc))
    if fitting:
        return fitting
    if found.phones:
        there = ", ".join(str(phone) for phone in found.phones)
        raise UserError(
            f"No phone with {soc} is attached, but {there}; use --soc "
            f"{shlex.quote(found.phones[0].soc)}, or "
            f"attach one with {soc}{_others(found)}."
        )
    if found.unusable:
        raise UserError(f"No phone can be used: {'; '.join(map(str, found.unusable))}.")
    raise UserError(
        "No phone is attached; plug one in with USB debugging allowed and look at "
        "`python -m harness doctor`, or see the phone path without one: --serial virtual:SM8550."
    )


def phones_of_workers(workers: int, serialnos: Sequence[str]) -> tuple[str, ...]:
    """A phone for each worker, in the order of the workers.

    Every pair of a worker and a phone has a rank that depends on the two alone, and the best pairs
    go first (as in rendezvous hashing): a phone that is missing, or new, moves few others, where
    dealing by serial number would move all that come after it.

    Args:
        workers: How many, at most as many as there are phones.
        serialnos: ``ro.serialno`` of the phones, in any order.

    Raises:
        ValueError: If there are more workers than phones.
    """
    if workers > len(set(serialnos)):
        raise ValueError(f"{workers} workers and {len(set(serialnos))} phones")
    pairs = [(worker, serialno) for worker in range(workers) for serialno in set(serialnos)]
    of_worker: dict[int, str] = {}
    for worker, serialno in sorted(pairs, key=_rank):
        if worker not in of_worker and serialno not in of_worker.values():
            of_worker[worker] = serialno
    return tuple(of_worker[worker] for worker in range(workers))


def _with_serial(found: Discovery, soc: str | None, serial: str) -> FoundPhone:
    phone = next((phone for phone in found.phones if serial in phone.names), None)
    if phone is None:
        raise _no_such_phone(found, serial)
    if not _has(phone, soc):
        raise UserError(
            f"{phone.serialno} has {phone.soc_raw}, not {soc} (ro.soc.model); use "
            f"--soc {shlex.quote(phone.soc)}, or another --serial."
        )
    return phone


def _no_such_phone(found: Discovery, serial: str) -> UserError:
    for unusable in found.unusable:
        if unusable.serial == serial:
            return UserError(f"{unusable}.")
    if not found.phones:
        others = _others(found) or "; plug it in and look at `python -m harness doctor`"
        return UserError(f"No phone has the serial {serial!r}, and no other can be used{others}.")
    there = ", ".join(str(phone) for phone in found.phones)
    return UserError(
        f"No phone has the serial {serial!r}, but there is {there}; choose one with --serial "
        f"{shlex.quote(found.phones[0].serialno)}, or attach {serial!r}{_others(found)}."
    )


def _has(phone: FoundPhone, soc: str | None) -> bool:
    return soc is None or phone.soc_raw.upper().startswith(soc.upper())


def _others(found: Discovery) -> str:
    """Part of a sentence about phones that might be the one that is meant."""
    return "".join(f"; {one}" for one in found.unusable)


def _rank(pair: tuple[int, str]) -> bytes:
    worker, serialno = pair
    return hashlib.sha256(f"{worker} {serialno}".encode()).digest()

"""Everything about a phone that can be wrong, found before any export begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness.devices.adb.files.storage import free_bytes
from harness.devices.adb.fleet.discovery import Discovery, FoundPhone, find_phones
from harness.devices.adb.fleet.inventory import Inventory, InventoryPhone
from harness.devices.adb.fleet.phone_assignment import phones_of_workers
from harness.devices.adb.fleet.phone_selection import choose_phones
from harness.devices.adb.protocol.errors import AdbFailure
from harness.devices.adb.protocol.programs import find_adb_program
from harness.devices.adb.protocol.server import AdbServer, ServerAddress, parse_addresses
from harness.devices.phone.missing_phones import Asked, bring_back_missing
from harness.devices.phone.qnn_files import PhoneLibraries, find_phone_libraries
from harness.devices.phone.qnn_version import QnnVersion, version_text
from harness.devices.phone.runner_build import (
    BUILD_COMMAND,
    RunnerBuild,
    check_machine,
    find_build,
)
from harness.devices.phone.set_up import PhoneKit
from harness.devices.phone.workspace import ROOT, make_room_remedy
from harness.errors import UserError
from harness.targets.soc import get_soc

_LEAST_FREE_BYTES = 256 << 20
"""For runner, libraries and a miniature; larger artifacts are measured when they are pushed."""
_MIB = 1 << 20

Found = TypeVar("Found")


@dataclass(frozen=True)
class PhoneRequest:
    """What the options of a session say about phones.

    Attributes:
        soc: Start of the SoC's name; None for any.
        serial: Of one phone, or its name in the inventory; None for any.
        adb_hosts: Addresses of adb servers; none for this machine's.
        adb_program: Starts this machine's server where there is none; None for the one found.
        build_dir: ExecuTorch's build for Android.
        qnn_dir: QNN's libraries for phones; None for those of ``QNN_SDK_ROOT``.
        made_by: QNN that artifacts will be exported with; None where none is exported.
        inventory: The laboratory's phones.
        count: How many phones are needed.
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

    @property
    def serialno(self) -> str | None:
        """The serial that is asked for, by whatever name."""
        return None if self.serial is None else self.inventory.serialno_of(self.serial)


@dataclass(frozen=True)
class ReadyPhone:
    """A phone that a session can use, and what it gets.

    Attributes:
        entry: What the inventory says of it; None if it does not know it.
    """

    found: FoundPhone
    kit: PhoneKit
    entry: InventoryPhone | None = None


def find_ready_phones(wish: PhoneRequest, recovers: bool = True) -> tuple[ReadyPhone, ...]:
    """Find all phones that fit, with runner and libraries for each; at least one.

    Args:
        wish: What to find.
        recovers: Whether to bring phones back that are missing, where the inventory says how.

    Raises:
        UserError: With all that is missing, at once.
    """
    missing: list[str] = []
    build = _or_note(lambda: _build(wish.build_dir), missing)
    # A session that cannot begin anyhow is told so at once.
    recovers = recovers and not missing
    fitting = _or_note(lambda: _fitting(wish, recovers), missing)
    if fitting is None:
        _or_note(lambda: _libraries_of_wish(wish), missing)
    kits = [_or_note(partial(_kit, phone, build, wish), missing) for phone in fitting or ()]
    if missing:
        raise UserError(" And: ".join(dict.fromkeys(missing)))
    assert fitting is not None
    return tuple(
        ReadyPhone(phone, kit, wish.inventory.entry(phone.serialno))
        for phone, kit in zip(fitting, kits, strict=True)
        if kit is not None
    )


def only_one(ready: Sequence[ReadyPhone]) -> ReadyPhone:
    """The phone of a session that uses one.

    Raises:
        UserError: If several fit.
    """
    if len(ready) == 1:
        return ready[0]
    there = ", ".join(str(one.found) for one in ready)
    raise UserError(
        f"{len(ready)} phones fit: {there}; choose one with --serial {ready[0].found.serialno}, or "
        f"use them all with -n {len(ready)}."
    )


def one_each(ready: Sequence[ReadyPhone], workers: int) -> tuple[ReadyPhone, ...]:
    """A phone for each worker, in their order; the same ones meet every night where they can.

    Raises:
        UserError: If there are more workers than phones.
    """
    if workers > len(ready):
        there = ", ".join(str(one.found) for one in ready)
        raise UserError(
            f"-n {workers} asks for {workers} phones and {len(ready)} fit ({there}); use "
            f"-n {len(ready)}, or attach more."
        )
    of_serial = {one.found.serialno: one for one in ready}
    return tuple(of_serial[serial] for serial in phones_of_workers(workers, tuple(of_serial)))


def _or_note(find: Callable[[], Found], missing: list[str]) -> Found | None:
    """What is found; or None, with the reason among what is missing."""
    try:
        return find()
    except UserError as error:
        missing.append(str(error))
        return None


def _build(directory: Path | None) -> RunnerBuild:
    if directory is None:
        raise UserError(
            "The runner for the phone is missing: give ExecuTorch's Android build with --build-dir "
            f"(made by {BUILD_COMMAND}; docs/phone.md)."
        )
    return find_build(directory)


def _fitting(wish: PhoneRequest, recovers: bool) -> tuple[FoundPhone, ...]:
    servers = _servers(wish)
    found = _discover(servers)
    tried: tuple[str, ...] = ()
    if recovers:
        asked = Asked(wish.soc, wish.serialno, wish.count)
        found, tried = bring_back_missing(
            wish.inventory, asked, found, lambda: find_phones(servers)
        )
    try:
        return choose_phones(found, wish.soc, wish.serialno)
    except UserError as error:
        told = (str(error).removesuffix("."), *tried)
        raise UserError(f"{'; '.join(told)}.") from error


def _servers(wish: PhoneRequest) -> tuple[AdbServer, ...]:
    program = wish.adb_program or find_adb_program()
    if program is not None and not program.is_file():
        raise UserError(f"--adb {program} is no file; give the path of an adb program.")
    addresses = parse_addresses(wish.adb_hosts) or (ServerAddress(),)
    return tuple(AdbServer(address, program) for address in addresses)


def _discover(servers: Sequence[AdbServer]) -> Discovery:
    try:
        for server in servers:
            server.ensure_running()
        return find_phones(servers)
    except AdbFailure as failure:
        raise UserError(f"{failure}.") from failure


def _libraries_of_wish(wish: PhoneRequest) -> PhoneLibraries | None:
    """Without a phone, the libraries can be looked for where the SoC is named."""
    if wish.soc is None:
        return None
    return find_phone_libraries(get_soc(wish.soc), wish.qnn_dir)


def _kit(phone: FoundPhone, build: RunnerBuild | None, wish: PhoneRequest) -> PhoneKit | None:
    soc = get_soc(phone.soc)
    if phone.is_virtual:
        accepted = phone.accepted_targets
        return None if build is None else PhoneKit(soc, accepted, build, libraries=None)
    libraries = find_phone_libraries(soc, wish.qnn_dir)
    _check_version(libraries, wish.made_by)
    _check_space(phone)
    if build is None:
        return None
    check_machine(build)
    return PhoneKit(soc, ("phone",), build, libraries)


def _check_version(libraries: PhoneLibraries, made_by: QnnVersion | None) -> None:
    if made_by is not None and libraries.version is not None and made_by > libraries.version:
        raise UserError(
            f"Artifacts exported here are of QNN {version_text(made_by)} and the libraries of "
            f"{libraries.source} are {version_text(libraries.version)}, which cannot load newer "
            "files; give a newer SDK with --qnn-dir, or set QNN_SDK_ROOT to the older one for both."
        )


def _check_space(phone: FoundPhone) -> None:
    try:
        free = free_bytes(phone.adb, ROOT)
    except AdbFailure as failure:
        raise UserError(f"{phone} does not tell its free space: {failure}.") from failure
    if free < _LEAST_FREE_BYTES:
        raise UserError(
            f"{phone} has {free // _MIB} MiB free and a run needs {_LEAST_FREE_BYTES // _MIB}; "
            f"{make_room_remedy(phone.adb.adb_words)}"
        )

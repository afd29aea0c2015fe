"""Everything about a phone that can be wrong, found before any export begins."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.devices.adb.discovery import adb_phones
from harness.devices.phone.files.storage import free_bytes
from harness.devices.phone.fleet.inventory import InventoryPhone
from harness.devices.phone.fleet.phone_selection import (
    PhoneRequest,
    ReadyPhone,
    choose_phones,
    phones_of_workers,
)
from harness.devices.phone.fleet.recovery import bring_back_missing
from harness.devices.phone.qnn_version import QnnVersion, version_text
from harness.devices.phone.runner import tools
from harness.devices.phone.runner.host_tools import HostTools, find_host_tools, is_script
from harness.devices.phone.workspace import Workspace, make_room_remedy
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.found_phone import FoundPhone
from harness.devices.transport.registry import transport_of
from harness.errors import Findings, UserError
from harness.targets.soc import get_soc

_LEAST_FREE_BYTES = 256 << 20
"""For runner, libraries and a miniature; larger artifacts are measured when they are pushed."""
_MIB = 1 << 20


def find_ready_phones(request: PhoneRequest, recovers: bool = True) -> tuple[ReadyPhone, ...]:
    """Find all phones that fit, with runner and libraries for each; at least one.

    Args:
        request: Phones that are asked for.
        recovers: Whether to bring phones back that are missing, where the inventory says how.

    Raises:
        UserError: With all that is missing, at once.
    """
    missing = Findings()
    build = missing.note(lambda: _build(request.build_dir))
    # A session that cannot begin anyhow is told so at once.
    recovers = recovers and not missing
    fitting = _fitting_or_fault(request, recovers)
    if isinstance(fitting, UserError):
        # Known to be wrong without a phone to hold it against, and cheaper to mend.
        if build is not None and not is_script(build.runner):
            _note_build(build, missing)
        missing.add(fitting)
        missing.note(lambda: _named_libraries(request))
        fitting = ()
    ready = [_ready(phone, build, request, missing) for phone in fitting]
    # A virtual phone's runner of ours takes what no other does.
    are_ours = all(one is not None and one.found.is_virtual and not one.libraries for one in ready)
    if request.check_files is not None and not (ready and are_ours):
        missing.note(request.check_files)
    missing.tell()
    return tuple(one for one in ready if one is not None)


def only_one(ready: Sequence[ReadyPhone]) -> ReadyPhone:
    """The phone of a session that uses one.

    Raises:
        UserError: If several fit.
    """
    if len(ready) == 1:
        return ready[0]
    there = ", ".join(str(one.found) for one in ready)
    raise UserError(
        f"{len(ready)} phones fit: {there}; choose one with --serial "
        f"{shlex.quote(ready[0].found.serialno)}, or "
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


def _build(directory: Path | None) -> tools.RunnerBuild:
    if directory is None:
        raise UserError(
            "The runner for the phone is missing: give ExecuTorch's Android build with --build-dir "
            f"(made by {tools.BUILD_COMMAND}; docs/phone.md)."
        )
    return tools.find_build(directory)


def _fitting_or_fault(request: PhoneRequest, recovers: bool) -> tuple[FoundPhone, ...] | UserError:
    try:
        return _fitting(request, recovers)
    except UserError as fault:
        return fault


def _fitting(request: PhoneRequest, recovers: bool) -> tuple[FoundPhone, ...]:
    # The transport that the serial names, else adb.
    named = None if request.serial is None else transport_of(request.serial)
    find = named or adb_phones(request.adb_hosts, request.adb_program)
    try:
        found = find()
    except PhoneFailure as failure:
        raise UserError(f"{failure}.") from failure
    tried: tuple[str, ...] = ()
    if recovers:
        found, tried = bring_back_missing(request, found, find)
    try:
        return choose_phones(found, request.soc, request.serialno)
    except UserError as error:
        told = (str(error).removesuffix("."), *tried)
        raise UserError(f"{'; '.join(told)}.") from error


def _named_libraries(request: PhoneRequest) -> tools.PhoneLibraries | None:
    """Without a phone, the libraries can be looked for where the SoC is named."""
    if request.soc is None:
        return None
    return tools.find_phone_libraries(get_soc(request.soc), request.qnn_dir)


def _ready(
    phone: FoundPhone, build: tools.RunnerBuild | None, request: PhoneRequest, missing: Findings
) -> ReadyPhone | None:
    """The phone with runner and libraries; None where something of it is missing."""
    entry = request.inventory.entry(phone.serialno)
    if phone.is_virtual:
        at = None if build is None else request.build_dir
        brought = at and missing.note(lambda: find_host_tools(at, request.qnn_dir))
        return ready_virtual(phone, brought, entry) if brought else None
    soc = get_soc(phone.soc)
    libraries = missing.note(lambda: tools.find_phone_libraries(soc, request.qnn_dir))
    if libraries is not None:
        missing.note(partial(_check_version, libraries, request.made_by))
    missing.note(lambda: _check_space(phone))
    if build is None:
        return None
    _note_build(build, missing)
    return ReadyPhone(phone, build, libraries, entry)


def _note_build(build: tools.RunnerBuild, missing: Findings) -> None:
    """Look whether real phones run it."""
    missing.note(partial(tools.check_machine, build))
    missing.note(partial(tools.check_needs, build))


def ready_virtual(
    phone: FoundPhone, brought: HostTools, entry: InventoryPhone | None = None
) -> ReadyPhone:
    """A virtual phone, which loads what its runner loads."""
    loaded = brought.loaded(phone.accepted_targets)
    found = replace(phone, accepted_targets=loaded)
    return ReadyPhone(found, brought.build, brought.libraries, entry)


def _check_version(libraries: tools.PhoneLibraries, made_by: QnnVersion | None) -> None:
    if made_by is not None and libraries.version is not None and made_by > libraries.version:
        raise UserError(
            f"Artifacts exported here are of QNN {version_text(made_by)} and the libraries of "
            f"{libraries.source} are {version_text(libraries.version)}, which cannot load newer "
            "files; give a newer SDK with --qnn-dir, or set QNN_SDK_ROOT to the older one for both."
        )


def _check_space(found: FoundPhone) -> None:
    try:
        free = free_bytes(found.phone, Workspace.on(found.phone).root)
    except PhoneFailure as failure:
        raise UserError(f"{found} does not tell its free space: {failure}.") from failure
    if free < _LEAST_FREE_BYTES:
        raise UserError(
            f"{found} has {free // _MIB:,} MiB free and a run needs {_LEAST_FREE_BYTES // _MIB:,}; "
            f"{make_room_remedy(found.phone)}"
        )

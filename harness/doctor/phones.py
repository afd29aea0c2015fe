"""What this machine's adb is, which servers run, and what is plugged into them.

Only asks: it starts no adb server and ends none, and every question has a deadline.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.devices.adb.discovery import find_phones
from harness.devices.adb.programs import find_adb_program
from harness.devices.adb.server import AdbServer, ServerAddress, parse_addresses
from harness.devices.lease import lease_folder
from harness.devices.phone.exclusive_use import holder_of
from harness.devices.phone.files.storage import free_bytes
from harness.devices.phone.fleet.inventory import Inventory
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.devices.phone.fleet.recovery import absent_phones
from harness.devices.phone.health.fitness import HealthLimits, hindrances
from harness.devices.phone.health.state import PhoneState, read_state
from harness.devices.phone.preflight import find_ready_phones
from harness.devices.phone.runner.host_tools import LIMITED, OURS
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.found_phone import Discovery, FoundPhone, PhoneUnusable
from harness.devices.transport.registry import transport_of
from harness.devices.virtual_session import UPSTREAM, bring_tools, read_serial, virtual_soc
from harness.doctor.diagnosis import Diagnosis
from harness.errors import UserError
from harness.finished_program import run_to_end

_VERSION_S = 5.0
_STATE_S = 8.0
_GIB = 1 << 30


def phone_diagnoses(request: PhoneRequest) -> tuple[Diagnosis, ...]:
    """Look at adb, its servers and their phones.

    A problem blocks a run where a phone is asked for, by its SoC or serial.

    Raises:
        UserError: If an address or a SoC is none.
    """
    client = _client(request)
    if soc := virtual_soc(request.serial):
        there = Diagnosis("phone", f"virtual, {soc.name}: starts with the run")
        return client, there, _runner_of_virtual_phone(request)
    if request.serial is not None and (find := transport_of(request.serial)):
        return tuple(_of_transport(find, request))
    servers = [AdbServer(address) for address in _addresses(request)]
    with ThreadPoolExecutor(len(servers)) as threads:
        seen = list(threads.map(lambda server: _of_server(server, request), servers))
    diagnoses = [diagnosis for some, _ in seen for diagnosis in some]
    diagnoses += _absent([found for _, found in seen if found is not None], request)
    if _is_asked(request) and not any(diagnosis.blocks_run for diagnosis in diagnoses):
        diagnoses.append(_run_on_phone(request))
    return (client, *diagnoses)


def _runner_of_virtual_phone(request: PhoneRequest) -> Diagnosis:
    subject = "runner of the virtual phone"
    serial = request.serial or ""
    if request.build_dir is None:
        is_limited = read_serial(serial).runner == UPSTREAM
        return Diagnosis(subject, LIMITED if is_limited else OURS)
    try:
        brought = bring_tools(serial, request.adb_program, request.build_dir, request.qnn_dir)
    except UserError as error:
        return Diagnosis(subject, "cannot start", str(error), blocks_run=True)
    return Diagnosis(subject, brought.describe())


def _of_transport(find: Callable[[], Discovery], request: PhoneRequest) -> list[Diagnosis]:
    """Phones that are reached without adb."""
    try:
        diagnoses = list(_of_phones(find(), request))
    except PhoneFailure as failure:
        return [Diagnosis(f"phone {request.serial}", "not found", str(failure), blocks_run=True)]
    if not any(diagnosis.blocks_run for diagnosis in diagnoses):
        diagnoses.append(_run_on_phone(request))
    return diagnoses


def _is_asked(request: PhoneRequest) -> bool:
    return request.soc is not None or request.serial is not None


def _addresses(request: PhoneRequest) -> tuple[ServerAddress, ...]:
    return parse_addresses(request.adb_hosts) or (ServerAddress(),)


def _client(request: PhoneRequest) -> Diagnosis:
    program = request.adb_program or find_adb_program()
    if program is None:
        problem = "phones need an adb program; type: apt-get install adb"
        return Diagnosis("adb", "none", problem, _is_asked(request))
    try:
        return Diagnosis("adb", f"{_version_of(program)}, {program}")
    except (OSError, subprocess.SubprocessError) as error:
        problem = f"{program} does not run ({error}); give another one with --adb"
        return Diagnosis("adb", str(program), problem, _is_asked(request))


def _version_of(program: Path) -> str:
    """What it says of itself; asked so, it talks with no server."""
    said = run_to_end((str(program), "version"), _VERSION_S)
    said.check_returncode()
    lines = said.stdout.splitlines()
    return next((line for line in lines if line.startswith("Version")), lines[0])


def _of_server(
    server: AdbServer, request: PhoneRequest
) -> tuple[list[Diagnosis], Discovery | None]:
    subject = f"adb server {server.address}"
    try:
        there = Diagnosis(subject, str(server.describe()))
        found = find_phones([server])
    except PhoneFailure as failure:
        problem = _without_server(server, failure)
        return [Diagnosis(subject, "none", problem, _is_asked(request))], None
    return [there, *_of_phones(found, request)], found


def _of_phones(found: Discovery, request: PhoneRequest) -> Iterator[Diagnosis]:
    for unusable in found.unusable:
        yield _unusable(unusable, request)
    with ThreadPoolExecutor(max(1, len(found.phones))) as threads:
        yield from threads.map(lambda phone: _of_phone(phone, request.inventory), found.phones)
    if not found.phones and not found.unusable:
        problem = "plug one in with USB debugging allowed, or type: --serial virtual:SM8550"
        yield Diagnosis("phone", "none attached", problem, _is_asked(request))


def _absent(seen: Sequence[Discovery], request: PhoneRequest) -> Iterator[Diagnosis]:
    """Phones of the inventory that no server lists; without a server nobody can tell."""
    if not seen:
        return
    phones = tuple(phone for found in seen for phone in found.phones)
    unusable = tuple(one for found in seen for one in found.unusable)
    for entry in absent_phones(request.inventory, Discovery(phones, unusable)):
        remedy = "plug it in with USB debugging allowed, or take it out of phones.toml"
        if entry.refusal is not None:
            remedy = f"plug it in; {entry.refusal}"
        elif entry.recover is not None:
            serialno = shlex.quote(entry.serialno)
            remedy = f"plug it in, or type: SNAPGATE_SERIALNO={serialno} {entry.recover}"
        subject = f"phone {entry.serialno} ({entry.name})"
        yield Diagnosis(subject, "absent", remedy, request.serialno == entry.serialno)


def _without_server(server: AdbServer, failure: PhoneFailure) -> str:
    if server.address.is_local:
        return f"{failure}; a run starts it, or type: adb -P {server.address.port} start-server"
    return f"{failure}; start one on that machine: adb -a nodaemon server"


def _unusable(phone: PhoneUnusable, request: PhoneRequest) -> Diagnosis:
    is_meant = request.serialno == phone.serial
    return Diagnosis(f"phone {phone.serial}", phone.reason, phone.remedy, is_meant)


def _of_phone(phone: FoundPhone, inventory: Inventory) -> Diagnosis:
    """A phone's SoC, state, holder, temperature and charge, in one line."""
    entry = inventory.entry(phone.serialno)
    subject = f"phone {phone.serialno}" + (f" ({entry.name})" if entry else "")
    what = f"{phone.soc_raw} {phone.model}" + (" (virtual)" if phone.is_virtual else "")
    try:
        state = read_state(phone.phone, _STATE_S)
        free_gib = free_bytes(phone.phone, phone.phone.home) / _GIB
    except PhoneFailure as failure:
        return Diagnosis(subject, f"{what}, does not answer", str(failure))
    holder = holder_of(lease_folder(), phone.serialno)
    held = "free" if holder is None else f"held by process {holder}"
    value = f"{what}, {held}, {_health(state)}, {free_gib:,.1f} GiB free"
    problems = [str(one) for one in hindrances(state, None, HealthLimits())]
    if holder is not None:
        problems.append(f"in use by process {holder}; wait for it, or choose another phone")
    return Diagnosis(subject, value, "; ".join(problems) or None)


def _health(state: PhoneState) -> str:
    battery = state.battery
    level = "?" if battery.level_percent is None else f"{battery.level_percent} %"
    heat = "?" if battery.celsius is None else f"{battery.celsius:.1f} °C"
    charging = ", charging" if battery.charging else ""
    status = "?" if state.thermal.status is None else str(state.thermal.status)
    return f"thermal status {status}, battery {level} at {heat}{charging}"


def _run_on_phone(request: PhoneRequest) -> Diagnosis:
    """Whether runner and libraries are there for a phone that fits; the servers are running."""
    try:
        ready = find_ready_phones(request, recovers=False)
    except UserError as error:
        return Diagnosis("run on a phone", "cannot start", str(error), blocks_run=True)
    return Diagnosis("run on a phone", "can start on " + ", ".join(str(one.found) for one in ready))

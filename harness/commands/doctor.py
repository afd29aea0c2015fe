"""``python -m harness doctor``: what a machine and its phones have, lack, and need typed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.devices.phone.fleet.inventory import find_inventory
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.doctor.artifacts import artifact_diagnoses, named_diagnosis
from harness.doctor.diagnosis import Diagnosis, show_diagnoses
from harness.doctor.machine import machine_diagnoses
from harness.doctor.phones import phone_diagnoses
from harness.doctor.smoke import run_smoke
from harness.errors import UserError
from harness.options.adb_environment import VARIABLES, adb_variables
from harness.options.values import Values

_ABOUT_PHONES = frozenset({"soc", "serial", "adb_host", "phones"})
"""Options that say that a run on a phone is meant."""


def run_doctor(options: Values) -> int:
    """Say what this machine and its phones have; exit code 0 if a run could start, else 1.

    The run is one on this machine's CPU, or on the phone that --soc or --serial ask for.
    """
    if options["smoke"]:
        request = _request(_over_variables(options))
        listed = request.inventory.without_commands("doctor --smoke runs no recover command")
        return run_smoke(replace(request, inventory=listed), options["artifacts"])
    machine = machine_diagnoses(options["qnn_dir"], options["artifacts"])
    told = (*machine, *_artifacts(options), *_beyond_this_machine(options))
    return show_diagnoses(told, bool(options["json"]))


def _artifacts(options: Values) -> Iterator[Diagnosis]:
    """Those of the cache, and the one that is named."""
    yield from artifact_diagnoses(options["artifacts"])
    if options["artifact"] is not None:
        yield named_diagnosis(options["artifact"], options["artifacts"])


def _over_variables(options: Values) -> Values:
    return options.over_environment(adb_variables(os.environ, options.given()))


def _beyond_this_machine(options: Values) -> Iterator[Diagnosis]:
    """What the options and adb's variables say, and the phones that are found with them.

    A mistake in either is a finding among the others.
    """
    asks_for_phones = not _ABOUT_PHONES.isdisjoint(options.typed())
    try:
        options = _over_variables(options)
    except UserError as error:
        yield from _said_elsewhere(options)
        yield Diagnosis("adb server", "cannot be asked", str(error), asks_for_phones)
        return
    yield from _said_elsewhere(options)
    yield from _unused_variables(options)
    try:
        phones = phone_diagnoses(_request(options))
    except UserError as error:
        yield Diagnosis("phones", "cannot be looked for", str(error), asks_for_phones)
        return
    yield from phones


def _request(options: Values) -> PhoneRequest:
    return PhoneRequest(
        inventory=find_inventory(
            options["phones"],
            Path.cwd(),
            is_typed=options.source("phones").kind == "command line",
            # The doctor runs none of its commands.
            ask=lambda question: False,
        ),
        soc=options["soc"],
        serial=_serial(options),
        adb_hosts=tuple(options["adb_host"] or ()),
        adb_program=options["adb"],
        build_dir=options["build_dir"],
        qnn_dir=options["qnn_dir"],
    )


def _serial(options: Values) -> str | None:
    """A phone that a variable names is only chosen where a run on a phone is asked for."""
    is_chosen = options.source("serial").kind != "environment" or options["soc"]
    serial: str | None = options["serial"]
    return serial if is_chosen or options["smoke"] else None


def _said_elsewhere(options: Values) -> Iterator[Diagnosis]:
    """What nobody typed but a file or a variable says."""
    for name in options:
        source = options.source(name)
        if source.kind in ("file", "environment"):
            shown = options[name]
            told = ", ".join(map(str, shown)) if isinstance(shown, list) else str(shown)
            yield Diagnosis(name, f"{told}, from {source}")


def _unused_variables(options: Values) -> Iterator[Diagnosis]:
    """Variables of adb that are set and decide nothing."""
    sources = {name: options.source(name) for name in options}
    used = " ".join(source.place for source in sources.values()).split()
    for variable, name in VARIABLES.items():
        if os.environ.get(variable) and variable not in used:
            is_typed = sources[name].kind == "command line"
            said_by = "the command line" if is_typed else str(sources[name])
            yield Diagnosis(variable, f"not used: {name} is from {said_by}")

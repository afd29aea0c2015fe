"""``python -m harness doctor``: what a machine and its phones have, lack, and need typed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from harness.devices.phone.fleet.inventory import find_inventory
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.doctor.diagnosis import Diagnosis, show_diagnoses
from harness.doctor.machine import machine_diagnoses
from harness.doctor.phones import phone_diagnoses
from harness.doctor.smoke import run_smoke
from harness.options.adb_environment import VARIABLES, adb_variables
from harness.options.values import Values


def run_doctor(options: Values) -> int:
    """Say what this machine and its phones have; exit code 0 if a run could start, else 1.

    The run is one on this machine's CPU, or on the phone that --soc or --serial ask for.
    """
    options = options.over_environment(adb_variables(os.environ))
    request = PhoneRequest(
        inventory=find_inventory(options["phones"], Path.cwd()),
        soc=options["soc"],
        serial=_serial(options),
        adb_hosts=tuple(options["adb_host"] or ()),
        adb_program=options["adb"],
        build_dir=options["build_dir"],
        qnn_dir=options["qnn_dir"],
    )
    if options["smoke"]:
        return run_smoke(request, options["artifacts"])
    machine = machine_diagnoses(options["qnn_dir"], options["artifacts"])
    diagnoses = (*machine, *_option_diagnoses(options), *phone_diagnoses(request))
    return show_diagnoses(diagnoses, bool(options["json"]))


def _serial(options: Values) -> str | None:
    """A phone that a variable names is only chosen where a run on a phone is asked for."""
    is_chosen = options.source("serial").kind != "environment" or options["soc"]
    serial: str | None = options["serial"]
    return serial if is_chosen or options["smoke"] else None


def _option_diagnoses(options: Values) -> Iterator[Diagnosis]:
    """What nobody typed but a file or a variable says, and variables that nobody asks."""
    sources = {name: options.source(name) for name in options}
    for name, source in sources.items():
        if source.kind in ("file", "environment"):
            shown = options[name]
            told = ", ".join(map(str, shown)) if isinstance(shown, list) else str(shown)
            yield Diagnosis(name, f"{told}, from {source}")
    used = " ".join(source.place for source in sources.values()).split()
    for variable, name in VARIABLES.items():
        if os.environ.get(variable) and variable not in used:
            is_typed = sources[name].kind == "command line"
            said_by = "the command line" if is_typed else str(sources[name])
            yield Diagnosis(variable, f"not used: {name} is from {said_by}")

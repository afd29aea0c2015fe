"""The options of ``python -m harness doctor``."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.devices.phone.fleet.inventory import find_inventory
from harness.devices.phone.fleet.request import PhoneRequest
from harness.doctor.command import run_doctor
from harness.doctor.smoke import run_smoke


def add_doctor_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], artifacts: Path
) -> None:
    """Register ``doctor``.

    Args:
        commands: What ``add_subparsers`` returned.
        artifacts: The artifact cache where nobody names another.
    """
    doctor = commands.add_parser(
        "doctor", help="say what this machine has and lacks", description=_run.__doc__
    )
    doctor.set_defaults(run=_run)
    doctor.add_argument("--qnn-dir", type=Path, metavar="DIR", help="QNN libraries or SDK")
    doctor.add_argument("--soc", help="a phone with it has to be usable, e.g. SM8550")
    doctor.add_argument("--serial", help="this phone has to be usable; or virtual:SOC")
    doctor.add_argument(
        "--phones",
        type=Path,
        metavar="FILE",
        help="the laboratory's phones; default: phones.toml of this folder, if it exists",
    )
    doctor.add_argument(
        "--adb-host",
        action="append",
        metavar="HOST[:PORT]",
        help="adb server; repeatable; default: this machine's",
    )
    doctor.add_argument("--adb", type=Path, help="adb program; default: the one that a run takes")
    doctor.add_argument("--build-dir", type=Path, help="ExecuTorch Android build")
    doctor.add_argument("--json", action="store_true", help="print JSON instead of a table")
    doctor.add_argument(
        "--smoke", action="store_true", help="push a miniature to the phone and run it"
    )
    doctor.add_argument("--artifacts", type=Path, default=artifacts, metavar="DIR")


def _run(options: argparse.Namespace) -> int:
    """Say what this machine and its phones have; exit code 0 if a run could start, else 1.

    The run is one on this machine's CPU, or on the phone that --soc or --serial ask for.
    """
    wish = PhoneRequest(
        inventory=find_inventory(options.phones, Path.cwd()),
        soc=options.soc,
        serial=options.serial,
        adb_hosts=tuple(options.adb_host or ()),
        adb_program=options.adb,
        build_dir=options.build_dir,
        qnn_dir=options.qnn_dir,
    )
    if options.smoke:
        return run_smoke(wish, options.artifacts)
    return run_doctor(wish, options.json)

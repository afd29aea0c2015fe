"""The environment that all sessions of the noxfile share, made from the lock.

The noxfile imports this with nox's own Python, so it imports nothing of the rooms.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).parent
ENVIRONMENT = ROOT / ".nox" / "environment"
QNN_STAMP = ENVIRONMENT / "qnn.txt"
PACKAGE_STAMP = ENVIRONMENT / "package.sha256"
LOCK = ROOT / "requirements.lock"
PYTHON = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
LABGRID = ENVIRONMENT.with_name("labgrid")
NO_QNN = "--no-qnn"
QNN_DIR = "--qnn-dir"
FIND_QNN = "from harness.backends.qnn.libraries import find_libraries; find_libraries()"


def install(session: nox.Session, with_qnn: bool = False) -> list[str]:
    """Create the shared environment from the lock, or leave it if the lock did not change.

    The extra ``qnn`` is added where it is wanted, and taken out if ``--no-qnn`` is given. Where it
    cannot be installed everything but the HTP still works, so that is no error.

    Returns:
        The session's arguments without ``--no-qnn``.
    """
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        session.error(
            f"snapgate needs Python 3.11 or 3.12, nox runs on {sys.version.split()[0]}; "
            "run it as: python3.11 -m nox"
        )
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    with (ENVIRONMENT.parent / "environment.lock").open("w") as lock_file:
        # Keeps two nox commands from building the one environment at once.
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        _install_locked(session)
        _install_package(session)
        if with_qnn and NO_QNN in session.posargs:
            _remove_qnn(session)
        elif with_qnn:
            _install_qnn(session)
    return [argument for argument in session.posargs if argument != NO_QNN]


def _install_locked(session: nox.Session) -> None:
    stamp = ENVIRONMENT / "lock.sha256"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        session.log(f"environment {ENVIRONMENT} is up to date")
        return
    session.run(sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT))
    session.run(str(PYTHON), "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    session.log("installing requirements.lock, torch included; this takes minutes, once")
    session.run(str(PYTHON), "-m", "pip", "install", "--quiet", "-r", str(LOCK))
    stamp.write_text(wanted)
    PACKAGE_STAMP.unlink(missing_ok=True)


def _install_package(session: nox.Session) -> None:
    """Install the clone itself; what it declares, entry points for instance, is read only then."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if not PACKAGE_STAMP.is_file() or PACKAGE_STAMP.read_text() != wanted:
        install_itself = ["install", "--quiet", "--no-deps", "--editable", str(ROOT)]
        session.run(str(PYTHON), "-m", "pip", *install_itself)
        PACKAGE_STAMP.write_text(wanted)


def extra_requirements(extra: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements: list[str] = project["optional-dependencies"][extra]
    return requirements


def _install_qnn(session: nox.Session) -> None:
    requirements = extra_requirements("qnn")
    wanted = "\n".join(requirements)
    if QNN_STAMP.is_file() and QNN_STAMP.read_text() == wanted:
        return
    session.warn(
        f"installing {wanted}: Qualcomm's HTP compiler and emulator, under Qualcomm's own licence "
        f"(AI Stack License, Qualcomm_LICENSE.pdf in that package); `-- {NO_QNN}` leaves them out"
    )
    # Without onnxruntime and what else the package wants: only its libraries are used.
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", *requirements]
    try:
        session.run(*command)
    except CommandFailed:
        session.warn("QNN cannot be installed here (see above); what needs it will be skipped")
    else:
        QNN_STAMP.write_text(wanted)


def _remove_qnn(session: nox.Session) -> None:
    if QNN_STAMP.is_file():
        names = [requirement.split("==")[0] for requirement in extra_requirements("qnn")]
        session.run(str(PYTHON), "-m", "pip", "uninstall", "--quiet", "--yes", *names)
        QNN_STAMP.unlink()


def install_labgrid(session: nox.Session) -> Path:
    """Create an environment for labgrid, whose coordinator and client some tests start.

    Returns:
        Folder of its programs; empty where they cannot be installed, which those tests say.
    """
    wanted = " ".join(extra_requirements("labgrid"))
    stamp = LABGRID / "installed"
    programs = LABGRID / PYTHON.parent.name
    if stamp.is_file() and stamp.read_text() == wanted:
        return programs
    session.run(sys.executable, "-m", "venv", "--clear", str(LABGRID))
    python = str(programs / PYTHON.name)
    try:
        session.run(python, "-m", "pip", "install", "--quiet", *extra_requirements("labgrid"))
    except CommandFailed:
        session.warn("labgrid cannot be installed here (see above); its tests will be skipped")
    else:
        stamp.write_text(wanted)
    return programs


def run_python(session: nox.Session, *arguments: str) -> None:
    """Run the shared environment's Python."""
    session.run(str(PYTHON), *arguments)


def run_all(session: nox.Session, *commands: Sequence[str]) -> None:
    """Run the shared environment's Python once per command, all of them even if one fails."""
    failed = 0
    for command in commands:
        try:
            run_python(session, *command)
        except CommandFailed:
            failed += 1
    if failed:
        session.error(f"{failed} of {len(commands)} parts failed, see above")


def has_qnn(arguments: Sequence[str]) -> bool:
    """Whether QNN is asked for by its folder, or found in the environment or where variables say.

    What is wrong with a folder that is named is told by whoever uses it.
    """
    if any(argument.split("=")[0] == QNN_DIR for argument in arguments):
        return True
    found = subprocess.run([str(PYTHON), "-c", FIND_QNN], cwd=ROOT, capture_output=True)
    return found.returncode == 0

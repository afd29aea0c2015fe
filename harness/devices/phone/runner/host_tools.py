"""Runner and libraries of a virtual phone: an x86_64 build of upstream's, or a script like ours.

A virtual phone is this machine, so what it runs is found and tried out here, before any export.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.backends.qnn.errors import explain
from harness.backends.qnn.front import fronted_libraries
from harness.backends.qnn.libraries import find_libraries
from harness.backends.qnn.probe import probe_qnn
from harness.devices.phone.qnn_version import version_text
from harness.devices.phone.runner.generation import read_generation
from harness.devices.phone.runner.tools import (
    PhoneLibraries,
    RunnerBuild,
    check_whole,
    find_build,
)
from harness.elf import ARM64, X86_64, machine_of
from harness.errors import UserError
from harness.targets.emulator import EMULATOR
from harness.vocabulary import Target

BUILD_COMMAND = "backends/qualcomm/scripts/build.sh --skip_linux_android --release"
"""Makes ``build-x86``, in a checkout of ExecuTorch."""

OURS = "ours, python -m harness.runtime under upstream's flags"
"""The runner where nobody brings one, for a sentence."""

LIMITED = "ours within the limits of upstream's, python -m harness.virtual_phone.upstream"
"""The same with ``:upstream`` behind the phone."""

_HELP_S = 60.0
_SCRIPT = b"#!"
_LACKING = re.compile(r"while loading shared libraries: (\S+): cannot open shared object file: No")
_REMEDY = (
    f"give the build-x86 folder with --build-dir (made by {BUILD_COMMAND}; docs/phone.md), or "
    "leave it out for a runner of ours"
)


@dataclass(frozen=True)
class HostTools:
    """What a virtual phone gets.

    Attributes:
        build: Runner and its libraries.
        libraries: QNN's libraries for this machine, behind our shim; None for a script, which has
            its own.
    """

    build: RunnerBuild
    libraries: PhoneLibraries | None = None

    def loaded(self, by_ours: tuple[Target, ...]) -> tuple[Target, ...]:
        """Targets whose artifacts the runner loads: upstream's has QNN's emulator alone.

        Args:
            by_ours: Those that a runner of ours loads there.
        """
        return by_ours if self.libraries is None else (EMULATOR.name,)

    def describe(self) -> str:
        """The runner, for a sentence."""
        if self.libraries is None or self.libraries.version is None:
            return str(self.build.runner)
        return f"{self.build.runner} on the emulator of QNN {version_text(self.libraries.version)}"


def find_host_tools(directory: Path, qnn_dir: Path | None) -> HostTools:
    """Find what ``--build-dir`` has for a virtual phone, and QNN's libraries for it.

    Args:
        directory: ``build-x86``, or a folder that its files were copied to.
        qnn_dir: What ``--qnn-dir`` says; see ``find_libraries``.

    Raises:
        UserError: If a file is missing or built for another machine than this one, there are no
            QNN libraries that start here, or the runner does not.
    """
    build = find_build(directory, BUILD_COMMAND)
    if is_script(build.runner):
        return HostTools(build)
    for path in build.files:
        _check_machine(path)
    libraries = find_libraries(qnn_dir)
    files = fronted_libraries(libraries)
    _check_executable(build.runner)
    version = probe_qnn(qnn_dir).version
    _try_out(build, files)
    return HostTools(build, PhoneLibraries(files, version, libraries.source))


def is_script(runner: Path) -> bool:
    """Whether a runner is one of ours, which virtual phones alone run."""
    with runner.open("rb") as file:
        return file.read(len(_SCRIPT)) == _SCRIPT


def is_for_phones(directory: Path | None) -> bool:
    """Whether a folder holds a build that real phones run, and virtual ones do not."""
    try:
        return directory is not None and machine_of(find_build(directory).runner) == ARM64
    except UserError:
        return False


def _check_machine(path: Path) -> None:
    machine = machine_of(path)
    if machine != X86_64:
        raise UserError(
            f"{path} is built for {machine or 'no machine'} and a virtual phone runs on this one, "
            f"{X86_64}; {_REMEDY}."
        )
    check_whole(path)


def _check_executable(runner: Path) -> None:
    """Refuse a program that lost its mode on the way, as archives of CI leave it."""
    if not os.access(runner, os.X_OK):
        raise UserError(
            f"{runner} may not be executed (mode {runner.stat().st_mode & 0o777:o}); type: "
            f"{shlex.join(('chmod', '+x', str(runner)))}"
        )


def _try_out(build: RunnerBuild, libraries: tuple[Path, ...]) -> None:
    """Start the runner once: what it lacks is said by this machine's linker."""
    folders = dict.fromkeys(str(path.parent.absolute()) for path in (*libraries, *build.files))
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}
    command = (str(build.runner.absolute()), "--help")
    try:
        asked = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_HELP_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        told = explain([str(error)]) or f"{error}; {_REMEDY}"
        raise UserError(f"{build.runner} does not start on this machine: {told}.") from error
    told = asked.stdout.decode(errors="replace")
    if lacking := _LACKING.search(told):
        raise UserError(
            f"{build.runner} needs {lacking[1]}, which is neither in --build-dir, where it is "
            "looked for beside runner and backend library and in lib, nor on this machine; copy "
            "it there from the build."
        )
    read_generation(told, build.runner)

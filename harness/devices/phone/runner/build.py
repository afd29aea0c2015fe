"""The runner and its backend library in an ExecuTorch build for Android."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.devices.phone.elf import ARM64, machine_of
from harness.errors import UserError

RUNNER = "qnn_multimodal_runner"
BACKEND_LIBRARY = "libqnn_executorch_backend.so"

_RUNNER_FOLDER = Path("examples/qualcomm/oss_scripts/llama")
_LIBRARY_FOLDER = Path("backends/qualcomm")
"""Folders of a build (contract §1.4); both files may also lie in the folder itself."""

BUILD_COMMAND = "backends/qualcomm/scripts/build.sh --skip_x86_64 --release"


@dataclass(frozen=True)
class RunnerBuild:
    """What an ExecuTorch build has for a phone.

    Attributes:
        runner: Path of ``qnn_multimodal_runner``.
        backend_library: Path of ``libqnn_executorch_backend.so``.
    """

    runner: Path
    backend_library: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All of it."""
        return (self.runner, self.backend_library)


def find_build(directory: Path) -> RunnerBuild:
    """Find both files in a build folder, or in a folder that they were copied to.

    Args:
        directory: What ``--build-dir`` says: usually ``build-android``.

    Raises:
        UserError: If one is missing.
    """
    runner = _find(directory, _RUNNER_FOLDER / RUNNER)
    library = _find(directory, _LIBRARY_FOLDER / BACKEND_LIBRARY)
    if runner is None or library is None:
        found = {RUNNER: runner, BACKEND_LIBRARY: library}
        lacking = [name for name, path in found.items() if path is None]
        raise UserError(
            f"--build-dir {directory} has no {' and no '.join(lacking)}; build them in a checkout "
            f"of ExecuTorch with: {BUILD_COMMAND} (docs/phone.md)"
        )
    return RunnerBuild(runner, library)


def check_machine(build: RunnerBuild) -> None:
    """Refuse a build that no phone can run; a virtual phone's is for this machine.

    Raises:
        UserError: If a file was built for another machine than a phone.
    """
    for path in build.files:
        machine = machine_of(path)
        if machine != ARM64:
            raise UserError(
                f"{path} is built for {machine or 'no machine'} and phones have {ARM64}; give the "
                "build-android folder with --build-dir."
            )


def _find(directory: Path, place: Path) -> Path | None:
    for path in (directory / place, directory / place.name):
        if path.is_file():
            return path
    return None

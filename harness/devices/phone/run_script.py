"""What a phone's shell is told to do for one run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.devices.phone.runner_command import IMAGE_LIST


def run_script(libraries: str, arguments: Sequence[str], images: Sequence[str] = ()) -> str:
    """Write the list of images and start a program, in the folder that the shell is in.

    Both variables name the libraries' folder: the linker finds QNN there, and FastRPC the HTP's
    own skel (contract §1.4). The program takes the shell's place, so that the process which is
    watched is the runner itself.

    Args:
        libraries: Folder with the runner's libraries and the HTP's skel, on the phone.
        arguments: Program and arguments.
        images: For the list file, in order.
    """
    found = shlex.quote(libraries)
    listed = f"printf '%s\\n' {shlex.join(images)} > {IMAGE_LIST}; " if images else ""
    return (
        f"{listed}export LD_LIBRARY_PATH={found} ADSP_LIBRARY_PATH={found}; "
        f"exec {shlex.join(arguments)}"
    )


def logcat_command(pid: int) -> str:
    """Print what a process logged, with the time in microseconds (Android 7 and later)."""
    return f"logcat -d -v threadtime -v usec --pid={pid}"

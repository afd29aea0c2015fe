"""The runner of virtual phones, which computes with ours, and the artifacts that it loads."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Literal

import harness
from harness.backends.qnn.libraries import find_libraries
from harness.errors import UserError
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.vocabulary import Target

RUNNER = Path("examples/qualcomm/oss_scripts/llama/qnn_multimodal_runner")
BACKEND_LIBRARY = Path("backends/qualcomm/libqnn_executorch_backend.so")

VirtualRunner = Literal["ours", "upstream"]
"""``ours`` can all that our runner can, ``upstream`` only what upstream's program can."""

_MODULES: dict[VirtualRunner, str] = {
    "ours": "harness.runtime.watched",
    "upstream": "harness.virtual_phone.upstream",
}

# The libraries beside it are a phone's; the runner is this machine's Python, with its own.
_SCRIPT = """\
#!/bin/sh
# The runner of a virtual phone: takes the flags of qnn_multimodal_runner, runs on this machine.
unset LD_LIBRARY_PATH ADSP_LIBRARY_PATH
PYTHONPATH={search_path} PYTHONDONTWRITEBYTECODE=1 exec {python} -m {module} "$@"
"""
_LIBRARY = "Virtual: the runner of a virtual phone loads no such library.\n"


def write_virtual_build(folder: Path, runner: VirtualRunner = "ours") -> Path:
    """Write the files that a phone needs of an ExecuTorch build, in their usual places.

    The runner is a module of ours in this very Python, so what it says is computed from the
    artifact that was pushed. It works on the virtual phones of this machine, and on no
    real one. The library is a placeholder that nothing loads.

    Args:
        folder: Folder to write to; made when missing.
        runner: Whose runner it is to be like.

    Returns:
        The same folder.
    """
    search_path = shlex.quote(str(Path(harness.__file__).parents[1]))
    python = shlex.quote(sys.executable)
    script = _SCRIPT.format(search_path=search_path, python=python, module=_MODULES[runner])
    for path, content in ((RUNNER, script), (BACKEND_LIBRARY, _LIBRARY)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
        (folder / path).chmod(0o755)
    return folder


def loadable_targets() -> tuple[Target, ...]:
    """Targets of artifacts, best first: the emulator where QNN's libraries are, then the host."""
    try:
        find_libraries()
    except UserError:
        return (HOST.name,)
    return (EMULATOR.name, HOST.name)

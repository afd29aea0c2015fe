"""Asking which QNN would be used, without starting it in this process. Imports without torch."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

from pydantic import TypeAdapter

import harness
from harness.backends.qnn.libraries import find_libraries
from harness.backends.qnn.provider import QnnInfo, activate
from harness.errors import UserError
from harness.finished_program import run_to_end

_TIMEOUT_S = 60
_QNN_INFO = TypeAdapter(QnnInfo)


@functools.cache
def probe_qnn(qnn_dir: Path | None = None) -> QnnInfo:
    """Start QNN in a process of its own and ask it for its build; asked once per process.

    A pytest process that loaded Qualcomm's libraries would keep their C++ runtime for good.

    Args:
        qnn_dir: See :func:`~harness.backends.qnn.libraries.find_libraries`.

    Raises:
        UserError: If there are no usable libraries or they do not start.
    """
    find_libraries(qnn_dir)
    result = _ask(qnn_dir)
    if result.returncode == 2:
        raise UserError(result.stderr.strip().splitlines()[-1])
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise UserError(
            f"QNN does not start (exit code {result.returncode}: {last}); "
            "look at: python -m harness doctor"
        )
    return _QNN_INFO.validate_json(result.stdout.splitlines()[-1])


def _ask(qnn_dir: Path | None) -> subprocess.CompletedProcess[str]:
    package_root = str(Path(harness.__file__).parents[1])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    where = [] if qnn_dir is None else [str(qnn_dir)]
    try:
        return run_to_end(
            [sys.executable, "-m", "harness.backends.qnn.probe", *where],
            _TIMEOUT_S,
            {**os.environ, "PYTHONPATH": search_path},
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"QNN did not start within {_TIMEOUT_S} s; try again when this machine is less busy."
        ) from error


def main(arguments: list[str]) -> int:
    """Print this machine's QNN as one line of JSON."""
    try:
        info = activate(Path(arguments[0]) if arguments else None)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(_QNN_INFO.dump_json(info).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

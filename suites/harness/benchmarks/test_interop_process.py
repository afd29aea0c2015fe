"""What surrounds upstream's exporter: measured processes and stubs for packages it never calls."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from benchmarks.interop.exports import run_measured
from benchmarks.interop.upstream_patches import stubs

_CHILD_THAT_USES_64_MIB = """
import subprocess, sys
program = "import time; block = bytearray(64 << 20); time.sleep(0.5)"
subprocess.run([sys.executable, "-c", program], check=True)
"""

_FORK_THAT_WAITS_WITH_64_MIB = """
import os, time
block = bytearray(b"x") * (64 << 20)
child = os.fork()
time.sleep(0.5)
if child:
    os.waitpid(child, 0)
"""


def test_memory_of_everything_that_a_command_starts_counts(tmp_path: Path) -> None:
    cost = run_measured([sys.executable, "-c", _CHILD_THAT_USES_64_MIB], tmp_path / "log")

    assert cost.exit_code == 0
    assert cost.peak_rss_mib > 64


def test_memory_that_a_new_child_has_yet_to_leave_behind_counts_once(tmp_path: Path) -> None:
    cost = run_measured([sys.executable, "-c", _FORK_THAT_WAITS_WITH_64_MIB], tmp_path / "log")

    assert cost.exit_code == 0
    assert 64 < cost.peak_rss_mib < 128


def test_output_and_exit_code_of_a_command_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"

    cost = run_measured([sys.executable, "-c", "import sys; print('here'); sys.exit(3)"], log)

    assert cost.exit_code == 3
    assert log.read_text() == "here\n"


def test_stubs_serve_while_they_are_needed_and_leave_nothing_behind() -> None:
    with stubs():
        module = importlib.import_module("torchtune.models.convert_weights")
        assert isinstance(module.get_mapped_key, type)

    assert "torchtune" not in sys.modules
    with pytest.raises(ImportError):
        importlib.import_module("torchtune")


def test_other_packages_are_missing_as_ever() -> None:
    with stubs(), pytest.raises(ImportError):
        importlib.import_module("no_such_package_anywhere")

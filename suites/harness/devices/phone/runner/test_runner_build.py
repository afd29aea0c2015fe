"""The runner's files are found in a build folder, and a build for another machine is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.devices.phone.runner.tools import check_machine, find_build
from harness.errors import UserError
from suites.harness.devices.phone.files_for_phones import X86_64, write_build


def test_a_build_folder_has_both_files(tmp_path: Path) -> None:
    build = find_build(write_build(tmp_path))
    assert build.runner.name == "qnn_multimodal_runner"
    assert build.backend_library.name == "libqnn_executorch_backend.so"
    check_machine(build)


def test_so_does_a_folder_that_they_were_copied_to(tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in find_build(write_build(tmp_path / "build")).files:
        shutil.copy(path, flat)
    assert find_build(flat).runner == flat / "qnn_multimodal_runner"


def test_what_is_missing_is_named_with_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(UserError) as both:
        find_build(tmp_path)
    assert "no qnn_multimodal_runner and no libqnn_executorch_backend.so" in str(both.value)
    assert "backends/qualcomm/scripts/build.sh" in str(both.value)
    find_build(write_build(tmp_path)).runner.unlink()
    with pytest.raises(UserError, match="has no qnn_multimodal_runner; build"):
        find_build(tmp_path)


def test_a_build_for_this_machine_is_refused(tmp_path: Path) -> None:
    build = find_build(write_build(tmp_path, X86_64))
    with pytest.raises(UserError, match="is built for x86-64 and phones have Arm64; give the"):
        check_machine(build)


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    build = find_build(write_build(tmp_path))
    build.backend_library.write_text("short")
    with pytest.raises(UserError, match="is built for no machine"):
        check_machine(build)

"""The runner's files are found in a build folder, and a build for another machine is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.devices.phone.runner.tools import check_machine, check_needs, find_build
from harness.errors import UserError
from suites.harness.devices.phone.files_for_phones import X86_64, write_build, write_elf


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


def test_half_a_program_is_refused_before_it_is_pushed(tmp_path: Path) -> None:
    build = find_build(write_build(tmp_path))
    build.runner.write_bytes(build.runner.read_bytes()[:100])
    with pytest.raises(UserError, match="runner has 100 bytes and its headers tell of more; copy"):
        check_machine(build)


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    build = find_build(write_build(tmp_path))
    build.backend_library.write_text("short")
    with pytest.raises(UserError, match="is built for no machine"):
        check_machine(build)


@pytest.mark.parametrize(
    "place",
    ["", "lib", "examples/qualcomm/oss_scripts/llama", "examples/qualcomm/oss_scripts/llama/lib"],
)
def test_libraries_that_lie_beside_the_runner_and_that_it_needs_come_along(
    tmp_path: Path, place: str
) -> None:
    build = find_build(write_build(tmp_path))
    write_elf(build.runner, needs=["libc++_shared.so", "liblog.so"])
    write_elf(build.backend_library, needs=["libfirst.so", "libQnnSystem.so"])
    folder = tmp_path / place
    write_elf(folder / "libc++_shared.so")
    write_elf(folder / "libfirst.so", needs=["libsecond.so", "libfirst.so"])
    for name in ("libsecond.so", "libunused.so", "libQnnSystem.so"):
        write_elf(folder / name)
    names = [path.name for path in find_build(tmp_path).files]
    assert names[:2] == ["qnn_multimodal_runner", "libqnn_executorch_backend.so"]
    assert sorted(names[2:]) == ["libc++_shared.so", "libfirst.so", "libsecond.so"]


@pytest.mark.parametrize("name", ["libc++_shared.so", "libstdc++.so.6", "libc.so.6"])
def test_a_runner_that_cannot_start_on_any_phone_is_refused(tmp_path: Path, name: str) -> None:
    build = find_build(write_build(tmp_path))
    check_needs(build)
    write_elf(build.runner, needs=["liblog.so", "libc.so", name])
    with pytest.raises(UserError, match=f"{re.escape(name)}, which is on no phone and not beside"):
        check_needs(find_build(tmp_path))
    write_elf(tmp_path / name)
    check_needs(find_build(tmp_path))


def test_a_library_for_another_machine_beside_the_runner_is_refused(tmp_path: Path) -> None:
    build = find_build(write_build(tmp_path))
    write_elf(build.runner, needs=["libc++_shared.so"])
    write_elf(tmp_path / "libc++_shared.so", X86_64)
    with pytest.raises(UserError, match=r"libc\+\+_shared.so is built for x86-64"):
        check_machine(find_build(tmp_path))

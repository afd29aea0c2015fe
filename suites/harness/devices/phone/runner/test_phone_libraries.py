"""The QNN libraries of the phone's HTP version are found, of one SDK and for the right machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.backends.qnn.libraries import cache_folder
from harness.devices.phone.runner.tools import find_phone_libraries
from harness.errors import UserError
from harness.targets.soc import get_soc
from suites.harness.devices.phone.files_for_phones import X86_64, write_elf, write_sdk

SM8550, SM8650 = get_soc("SM8550"), get_soc("SM8650")


def test_an_sdk_has_the_libraries_of_a_soc(tmp_path: Path) -> None:
    found = find_phone_libraries(SM8550, write_sdk(tmp_path), {})
    assert [path.name for path in found.files] == [
        "libQnnHtp.so",
        "libQnnHtpV73Skel.so",
        "libQnnHtpV73Stub.so",
        "libQnnHtpPrepare.so",
        "libQnnSystem.so",
    ]
    assert found.version == (2, 47, 0)
    assert found.source == "--qnn-dir"


def test_the_libraries_may_lie_in_one_folder(tmp_path: Path) -> None:
    flat = tmp_path / "jni"
    flat.mkdir()
    for path in find_phone_libraries(SM8550, write_sdk(tmp_path / "sdk"), {}).files:
        shutil.copy(path, flat)
    assert {path.parent for path in find_phone_libraries(SM8550, flat, {}).files} == {flat}


def test_without_an_option_the_sdk_of_the_environment_is_taken(tmp_path: Path) -> None:
    found = find_phone_libraries(SM8550, None, {"QNN_SDK_ROOT": str(write_sdk(tmp_path))})
    assert found.source == "QNN_SDK_ROOT"


@pytest.mark.parametrize("environment", [{}, {"QNN_SDK_ROOT": str(cache_folder() / "sdk-1")}])
def test_without_either_both_ways_are_told(environment: dict[str, str]) -> None:
    """A root that a parent process of ours set names libraries of this machine."""
    with pytest.raises(UserError, match="set QNN_SDK_ROOT to Qualcomm's SDK or give --qnn-dir"):
        find_phone_libraries(SM8550, None, environment)


def test_an_sdk_that_lacks_the_soc_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        find_phone_libraries(SM8650, write_sdk(tmp_path, arch=73), {})
    assert "lacks libQnnHtpV75Skel.so, libQnnHtpV75Stub.so for SM8650 (HTP v75)" in str(
        refused.value
    )


def test_libraries_of_this_machine_are_refused(tmp_path: Path) -> None:
    sdk = write_sdk(tmp_path)
    write_elf(sdk / "lib/aarch64-android/libQnnSystem.so", X86_64)
    with pytest.raises(UserError, match="is built for x86-64 and not for Arm64"):
        find_phone_libraries(SM8550, sdk, {})

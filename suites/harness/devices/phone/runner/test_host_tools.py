"""A virtual phone takes an x86_64 build of upstream's runner; whatever else it is given is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import open_artifact
from harness.backends.qnn.front import fronted_libraries
from harness.backends.qnn.libraries import find_libraries
from harness.devices.phone.runner.host_tools import find_host_tools, is_for_phones
from harness.devices.place import Place, choose_place
from harness.devices.virtual_session import open_virtual_phone
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.options.table import options_of
from harness.runtime.request import Request, RunOptions
from harness.virtual_phone.machine.virtual_build import write_virtual_build
from suites.harness.devices.phone.files_for_phones import ARM64, X86_64, write_build, write_sdk
from suites.harness.devices.phone.runner.host_builds import (
    NEEDS_COMPILER,
    write_host_build,
    write_host_sdk,
)
from suites.harness.devices.phone.stand_in_runner import ANSWER
from suites.harness.fixtures.conftest import hollow_artifact


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's libraries, and no trace in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("QNN_SDK_ROOT", raising=False)


@NEEDS_COMPILER
def test_upstreams_runner_answers_on_a_virtual_phone_with_qnn_behind_the_shim(
    tmp_path: Path, question: Request
) -> None:
    build = write_host_build(tmp_path / "build")
    brought = find_host_tools(build, write_host_sdk(tmp_path / "sdk"))
    changes: dict[str, Any] = {"target": "emulator", "backend": "qnn", "soc": "SM8550"}
    artifact = open_artifact(hollow_artifact(tmp_path / "artifact", **changes))
    artifact.tokenizer_path.write_bytes(
        (checkpoint_path("tiny_smolvlm") / "tokenizer.json").read_bytes()
    )
    with open_virtual_phone("virtual:SM8550", brought=brought) as device:
        assert device.accepted_targets == ("emulator",)
        assert device.runner == "of March 2026 or later"
        (answer,) = device.run(artifact, [question], RunOptions(mode="kv", max_new_tokens=8))
    assert answer.last.text == ANSWER


def virtual_place(**options: object) -> Place:
    """Where a session with ``--serial virtual:SM8550`` runs."""
    said = {**dict.fromkeys(options_of("suites")), "serial": "virtual:SM8550", **options}
    return choose_place(said, None, None, Path())


@NEEDS_COMPILER
def test_a_session_is_for_the_emulator_and_says_whose_runner_answers(tmp_path: Path) -> None:
    brought = {
        "build_dir": write_host_build(tmp_path / "build"),
        "qnn_dir": write_host_sdk(tmp_path / "sdk"),
    }
    place = virtual_place(**brought)
    assert (place.artifact_target.name, place.is_virtual) == ("emulator", True)
    runner = tmp_path / "build/qnn_multimodal_runner"
    told = f"virtual phone, SM8550; its runner is {runner} on the emulator of QNN 2.47.0"
    assert place.describe() == told
    with pytest.raises(UserError, match="--kv-encodings requantized makes files that no runner"):
        virtual_place(**brought, kv_encodings="requantized")
    told = "holds upstream's runner, which on this machine has QNN's emulator of the HTP alone: "
    with pytest.raises(UserError, match=f"{told}.*'fp32'.*Or leave --build-dir out: a runner of"):
        virtual_place(**brought, precision="fp32")


def test_without_a_build_the_session_says_that_the_runner_is_ours() -> None:
    told = virtual_place().describe()
    assert told is not None
    assert told.startswith("virtual phone, SM8550; its runner is ours, python -m harness.runtime")


@NEEDS_COMPILER
def test_what_lies_in_lib_comes_along(tmp_path: Path) -> None:
    brought = find_host_tools(write_host_build(tmp_path / "build"), write_host_sdk(tmp_path / "q"))
    assert [path.name for path in brought.build.companions] == ["libmore.so"]
    assert brought.libraries is not None
    names = [path.name for path in brought.libraries.files]
    assert names == ["libQnnHtp.so", "libQnnHtpReal.so", "libQnnSystem.so"]


@NEEDS_COMPILER
def test_a_library_that_the_runner_lacks_is_said_by_this_machines_linker(tmp_path: Path) -> None:
    build = write_host_build(tmp_path / "build")
    (build / "lib/libmore.so").unlink()
    with pytest.raises(UserError, match=r"needs libmore\.so, which is neither in --build-dir,"):
        find_host_tools(build, write_host_sdk(tmp_path / "sdk"))


@NEEDS_COMPILER
def test_a_folder_with_a_shim_in_front_gives_the_library_behind_it(tmp_path: Path) -> None:
    libraries = write_host_sdk(tmp_path / "sdk")
    (htp,) = libraries.glob("**/libQnnHtp.so")
    once = fronted_libraries(find_libraries(htp.parent))
    assert fronted_libraries(find_libraries(once[0].parent))[1].resolve() == htp


def test_a_build_for_phones_is_refused_before_qnn_is_looked_for(tmp_path: Path) -> None:
    build = write_build(tmp_path, ARM64)
    refused = r"is built for Arm64 and a virtual phone runs on this one, x86-64; give the build-x86"
    with pytest.raises(UserError, match=refused):
        find_host_tools(build, tmp_path / "no sdk")
    assert is_for_phones(build)


@pytest.mark.parametrize("missing", ["qnn_multimodal_runner", "libqnn_executorch_backend.so"])
def test_a_missing_file_is_named_with_the_command_that_builds_it(
    tmp_path: Path, missing: str
) -> None:
    build = write_build(tmp_path, X86_64)
    next(build.glob(f"**/{missing}")).unlink()
    with pytest.raises(UserError, match=rf"has no {missing}; build .*--skip_linux_android"):
        find_host_tools(build, None)
    assert not is_for_phones(build)


def test_qnn_for_phones_alone_is_no_qnn_for_a_virtual_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"which has no libQnnHtp.so.*nor in lib/x86_64-linux-clan"):
        find_host_tools(write_build(tmp_path / "build", X86_64), write_sdk(tmp_path / "sdk"))


def test_half_a_runner_and_no_program_are_said(tmp_path: Path) -> None:
    build = write_build(tmp_path, X86_64)
    runner = next(build.glob("**/qnn_multimodal_runner"))
    runner.write_bytes(runner.read_bytes()[:100])
    with pytest.raises(UserError, match="has 100 bytes and its headers tell of more"):
        find_host_tools(build, None)
    runner.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(UserError, match="is built for no machine and a virtual phone"):
        find_host_tools(build, None)


@NEEDS_COMPILER
def test_a_runner_that_lost_its_mode_is_said_with_the_command(tmp_path: Path) -> None:
    build = write_host_build(tmp_path / "my build")
    (build / "qnn_multimodal_runner").chmod(0o644)
    with pytest.raises(UserError, match=r"\(mode 644\); type: chmod \+x '.*/my build/.*runner'$"):
        find_host_tools(build, write_host_sdk(tmp_path / "sdk"))


def test_a_script_runs_as_it_is_and_loads_what_ours_loads(tmp_path: Path) -> None:
    brought = find_host_tools(write_virtual_build(tmp_path), tmp_path / "no sdk")
    assert brought.libraries is None
    assert brought.loaded(("emulator", "host")) == ("emulator", "host")

"""QNN's libraries are found where they are, and what is missing is said in one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.backends.qnn.libraries import (
    HTP_LIBRARY,
    SDK_LIBRARY_FOLDER,
    SYSTEM_LIBRARY,
    HostPlatform,
    QnnLibraries,
    cache_folder,
    check_whole,
    find_libraries,
)
from harness.errors import UserError
from suites.harness.devices.phone.files_for_phones import ARM64, X86_64, write_elf

LINUX = HostPlatform("linux", "x86_64", (2, 36))


def make_libraries(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in (HTP_LIBRARY, SYSTEM_LIBRARY):
        (folder / name).touch()
    return folder


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    root = tmp_path / "sdk"
    make_libraries(root / SDK_LIBRARY_FOLDER)
    return root


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that would fail if it were imported."""
    package = make_libraries(tmp_path / "site" / "onnxruntime_qnn")
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(str(package.parent))
    return package


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime_qnn", None)


def find(qnn_dir: Path | None = None, sdk_root: Path | None = None) -> tuple[Path, str]:
    environment = {"QNN_SDK_ROOT": str(sdk_root)} if sdk_root else {}
    libraries = find_libraries(qnn_dir, environment, LINUX)
    return libraries.directory, libraries.source


def test_the_sdk_comes_before_the_wheel(sdk: Path, wheel: Path) -> None:
    assert find(sdk_root=sdk) == (sdk / SDK_LIBRARY_FOLDER, "QNN_SDK_ROOT")


def test_an_explicit_folder_comes_before_the_wheel(tmp_path: Path, wheel: Path) -> None:
    folder = make_libraries(tmp_path / "libraries")
    assert find(qnn_dir=folder) == (folder, "--qnn-dir")


def test_an_explicit_folder_may_be_an_sdk(sdk: Path) -> None:
    assert find(qnn_dir=sdk) == (sdk / SDK_LIBRARY_FOLDER, "--qnn-dir")


def test_the_wheel_is_found_without_being_imported(wheel: Path) -> None:
    assert find() == (wheel, "onnxruntime-qnn")


def test_two_names_of_the_same_libraries_are_no_conflict(sdk: Path) -> None:
    assert find(qnn_dir=sdk / SDK_LIBRARY_FOLDER, sdk_root=sdk)[1] == "QNN_SDK_ROOT"


def test_neither_of_two_different_choices_is_ignored(sdk: Path, tmp_path: Path) -> None:
    folder = make_libraries(tmp_path / "libraries")
    with pytest.raises(UserError) as caught:
        find(qnn_dir=folder, sdk_root=sdk)
    assert str(folder) in str(caught.value)
    assert str(sdk) in str(caught.value)
    assert "unset QNN_SDK_ROOT or leave out --qnn-dir" in str(caught.value)


@pytest.mark.usefixtures("wheel")
def test_a_named_folder_without_libraries_is_not_replaced_by_the_wheel(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--qnn-dir is .*/empty, which has no libQnnHtp\.so"):
        find(qnn_dir=tmp_path / "empty")
    with pytest.raises(UserError, match=r"^QNN_SDK_ROOT is .*/empty, which has no libQnnHtp\.so"):
        find(sdk_root=tmp_path / "empty")


def test_what_a_parent_process_set_for_executorch_is_not_taken_for_an_sdk(wheel: Path) -> None:
    assert find(sdk_root=cache_folder() / "sdk-0123456789ab") == (wheel, "onnxruntime-qnn")


@pytest.mark.usefixtures("no_wheel")
def test_without_libraries_the_sentence_names_all_three_places() -> None:
    with pytest.raises(UserError) as caught:
        find()
    for place in ("QNN_SDK_ROOT", "--qnn-dir", "onnxruntime-qnn", "pip install 'snapgate[qnn]'"):
        assert place in str(caught.value)


@pytest.mark.parametrize(
    ("host", "named"),
    [
        (HostPlatform("darwin", "arm64", None), "this is arm64 darwin"),
        (HostPlatform("linux", "aarch64", (2, 36)), "this is aarch64 linux"),
        (
            HostPlatform("linux", "x86_64", (2, 31)),
            "need glibc 2.35 or newer and this system has 2.31",
        ),
        (HostPlatform("linux", "x86_64", None), "another C library"),
    ],
)
def test_a_machine_that_cannot_run_them_is_told_so(
    host: HostPlatform, named: str, wheel: Path
) -> None:
    with pytest.raises(UserError, match=named) as caught:
        find_libraries(None, {}, host)
    assert "use --target host here" in str(caught.value)


def test_an_old_glibc_does_not_matter_to_the_sdk(sdk: Path) -> None:
    old = HostPlatform("linux", "x86_64", (2, 31))
    assert find_libraries(None, {"QNN_SDK_ROOT": str(sdk)}, old).source == "QNN_SDK_ROOT"


@pytest.mark.parametrize(
    ("machine", "kept", "sentence"),
    [
        (ARM64, None, "libQnnHtp.so is built for Arm64.; give an SDK that has lib/x86_64-linux"),
        (X86_64, 100, "libQnnHtp.so has 100 bytes and its headers tell of more.; copy it again"),
        (X86_64, 0, "libQnnHtp.so is no library.; give an SDK"),
    ],
)
def test_what_no_loader_should_be_given_is_refused_before(
    tmp_path: Path, machine: int, kept: int | None, sentence: str
) -> None:
    """The loader calls it missing, or ends the process."""
    write_elf(tmp_path / "libQnnSystem.so", X86_64)
    library = write_elf(tmp_path / "libQnnHtp.so", machine)
    library.write_bytes(library.read_bytes()[:kept])
    with pytest.raises(UserError, match=sentence):
        check_whole(QnnLibraries(tmp_path, "--qnn-dir"))


def test_libraries_of_this_machine_that_are_whole_may_be_loaded(tmp_path: Path) -> None:
    for name in ("libQnnSystem.so", "libQnnHtp.so"):
        write_elf(tmp_path / name, X86_64)
    check_whole(QnnLibraries(tmp_path, "--qnn-dir"))

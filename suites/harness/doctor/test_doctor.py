"""``python -m harness doctor`` says what a machine lacks and what to type about it."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from harness.commands.main import main
from harness.doctor import machine


@pytest.fixture
def diagnoses(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    """What ``doctor --json`` says, by subject."""
    main(["doctor", "--json"])
    return {diagnosis["subject"]: diagnosis for diagnosis in json.loads(capsys.readouterr().out)}


def test_versions_and_places_are_named(diagnoses: dict[str, dict[str, object]]) -> None:
    assert diagnoses["torch"]["value"] == version("torch")
    assert {"Python", "executorch", "QNN", "C compiler", "cache"} <= diagnoses.keys()
    assert "GiB free" in str(diagnoses["cache"]["value"])


def test_a_machine_that_can_run_is_exit_code_0_even_without_qnn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("QNN_SDK_ROOT", str(tmp_path))
    assert main(["doctor"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "! QNN: QNN_SDK_ROOT is" in out
    assert "pip install 'snapgate[qnn]'" in out


def test_without_torch_nothing_can_run_and_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_torch(name: str) -> str:
        if name == "torch":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(machine, "version", without_torch)
    assert main(["doctor"]) == 1
    assert "pip install 'snapgate[host]'" in " ".join(capsys.readouterr().out.split())


def test_another_version_and_a_package_that_cannot_be_imported_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"torch": "2.13.0+cpu", "executorch": "1.4.0"}
    monkeypatch.setattr(machine, "version", lambda name: found.get(name) or version(name))
    broken = {"torch": "OSError: libtorch.so: cannot open"}
    monkeypatch.setattr(machine, "_broken_packages", lambda: broken)
    assert main(["doctor", "--json"]) == 1
    told = {one["subject"]: one["problem"] for one in json.loads(capsys.readouterr().out)}
    assert "cannot be imported (OSError: libtorch.so: cannot open)" in told["torch"]
    assert "pip install --force-reinstall torch==" in told["torch"]
    assert "made for executorch==1.5.1; type:" in told["executorch"]
    assert told["safetensors"] is None


def test_without_a_c_compiler_only_qnn_suffers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["doctor"]) == 0
    assert "C compiler: QNN needs a C compiler once" in " ".join(capsys.readouterr().out.split())


def test_a_full_disk_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "_FREE_GIB_NEEDED", 1e9)
    assert main(["doctor"]) == 0
    assert "give --artifacts on another disk" in " ".join(capsys.readouterr().out.split())


def test_a_file_that_several_artifacts_hold_is_counted_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine.platformdirs, "user_cache_dir", lambda name: str(tmp_path))
    (tmp_path / "component.pte").write_bytes(bytes(3 * 2**20))
    (tmp_path / "artifact.pte").hardlink_to(tmp_path / "component.pte")
    (tmp_path / "link.pte").symlink_to(tmp_path / "component.pte")
    cache = next(one for one in machine.machine_diagnoses() if one.subject == "cache")
    assert ": 3 MiB, " in cache.value


def test_a_cache_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def problem(folder: Path) -> str | None:
        monkeypatch.setattr(machine.platformdirs, "user_cache_dir", lambda name: str(folder))
        found = machine.machine_diagnoses()
        return next(one.problem for one in found if one.subject == "cache")

    (tmp_path / "file").touch()
    assert problem(tmp_path / "new") is None
    assert f"{tmp_path / 'file'} is no folder" in str(problem(tmp_path / "file" / "cache"))
    monkeypatch.setattr(machine.os, "access", lambda *_: False)
    assert f"{tmp_path} cannot be written to; give --artifacts" in str(problem(tmp_path / "new"))


def test_its_help_tells_what_its_exit_code_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "exit code 0 if a run could start, else 1" in told
    assert "--smoke push a miniature to the phone and run it" in told

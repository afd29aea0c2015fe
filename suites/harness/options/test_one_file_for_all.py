"""A laboratory's file holds for every command that takes what it sets."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from harness.commands import doctor, export, export_request, ladder
from harness.commands.main import main
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.export.request import ExportRequest
from harness.options.values import resolve
from harness.runtime.cli import main as run
from reports.command_line import main as report
from suites.harness.results.made_up import a_device, night_id, samples, write_run


@dataclasses.dataclass
class Stopped(Exception):
    """Takes the place of what would take long.

    Attributes:
        told: What that was told.
    """

    told: tuple[Any, ...]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, without anybody's adb, SDK or home."""
    for name in os.environ:
        if name.startswith(("ADB_", "ANDROID_")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("QNN_SDK_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["results", "noise", "summary", "compare"])
def test_commands_find_the_results_of_the_file(
    here: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for night in (0, 1):
        write_run(here / "store", night, [a_device(), *samples([100.0, 99.0, 101.0])])
    (here / "snapgate.toml").write_text('results = "store"')
    words = [night_id(0), "latest"] if command == "compare" else []
    shown = ["--table", "samples"] if command == "results" else []
    assert main([command, *words, *shown]) == 0
    assert "store" not in capsys.readouterr().err


def test_a_report_is_of_the_results_of_the_file_and_goes_where_it_says(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(here / "store", 0, [a_device(), *samples([100.0])])
    (here / "snapgate.toml").write_text('results = "store"\nreport_dir = "site"')
    assert report([]) == 0
    assert str(here / "site" / "index.html") in capsys.readouterr().out
    assert (here / "site" / "index.html").is_file()


EXPORTED = {
    "soc": ('target = "phone"\nsoc = "SM8750"', "SM8750"),
    "qnn_dir": ('target = "emulator"\nqnn_dir = "sdk"', "sdk"),
    "artifacts": ('artifacts = "cache"', "cache"),
}


@pytest.mark.parametrize("name", EXPORTED)
def test_an_export_obeys_the_file(here: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*told: object) -> None:
        raise Stopped(told)

    monkeypatch.setattr(export, "export_with_progress", stop)
    # Whether this machine has Qualcomm's compiler is another test's matter.
    monkeypatch.setattr(export_request, "find_libraries", lambda qnn_dir: None)
    text, expected = EXPORTED[name]
    (here / "snapgate.toml").write_text(text)
    with pytest.raises(Stopped) as stopped:
        main(["export", "tiny_smolvlm"])
    request, artifacts, _ = stopped.value.told
    assert isinstance(request, ExportRequest)
    found = {"soc": request.soc, "qnn_dir": request.qnn_dir, "artifacts": artifacts}[name]
    assert found == (expected if name == "soc" else here / expected)


def test_an_export_for_the_host_is_no_matter_of_a_laboratorys_phone(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only who types what does not matter is told so."""

    def stop(*told: object) -> None:
        raise Stopped(told)

    monkeypatch.setattr(export, "export_with_progress", stop)
    (here / "snapgate.toml").write_text(
        'soc = "SM8550"\nqnn_dir = "sdk"\ncalibration = "mine.json"\nlookahead = "4,5,4"'
    )
    with pytest.raises(Stopped) as stopped:
        main(["export", "tiny_smolvlm"])
    request = stopped.value.told[0]
    assert (request.soc, request.qnn_dir, request.calibration) == (None, None, None)
    assert main(["export", "tiny_smolvlm", "--soc", "SM8550"]) == 2
    assert "--soc SM8550 goes with --target phone" in capsys.readouterr().err


def test_a_ladder_is_of_this_machine_whatever_a_laboratory_exports_for(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*told: object) -> None:
        raise Stopped(told)

    monkeypatch.setattr(ladder, "export_with_progress", stop)
    (here / "snapgate.toml").write_text('target = "phone"\nsoc = "SM8750"')
    with pytest.raises(Stopped) as stopped:
        main(["ladder", "tiny_smolvlm"])
    assert stopped.value.told[0].target == "host"
    assert main(["ladder", "tiny_smolvlm", "--target", "phone"]) == 2
    assert "use --target host or --target emulator" in capsys.readouterr().err


ASKED = {
    "soc": ('soc = "SM8550"', "SM8550"),
    "serial": ('serial = "R5CT"', "R5CT"),
    "adb_host": ('adb_host = ["lab3:5038"]', ("lab3:5038",)),
    "build_dir": ('build_dir = "build"', "build"),
    "qnn_dir": ('qnn_dir = "sdk"', "sdk"),
}


@pytest.mark.parametrize("name", [*ASKED, "artifacts"])
def test_the_doctor_obeys_the_file_and_says_so(
    here: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[PhoneRequest] = []
    monkeypatch.setattr(doctor, "phone_diagnoses", lambda request: asked.append(request) or ())
    monkeypatch.setattr(doctor, "machine_diagnoses", lambda qnn_dir, artifacts: ())
    text, expected = {**ASKED, "artifacts": ('artifacts = "cache"', "cache")}[name]
    (here / "snapgate.toml").write_text(text)
    assert main(["doctor", "--json"]) == 0
    assert f", from {here / 'snapgate.toml'}" in capsys.readouterr().out
    if name in ASKED:
        field = {"adb_host": "adb_hosts"}.get(name, name)
        is_path = name in ("build_dir", "qnn_dir")
        assert getattr(asked[0], field) == (here / str(expected) if is_path else expected)


def test_a_smoke_test_exports_into_the_cache_of_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Path] = []
    monkeypatch.setattr(doctor, "run_smoke", lambda request, artifacts: told.append(artifacts) or 0)
    (here / "snapgate.toml").write_text('artifacts = "cache"')
    assert main(["doctor", "--smoke"]) == 0
    assert told == [here / "cache"]


def test_the_runner_takes_soc_and_libraries_of_the_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "snapgate.toml").write_text('soc = "SM8550"\nqnn_dir = "sdk"')
    assert dict(resolve("runtime", {})) == {"soc": "SM8550", "qnn_dir": here / "sdk"}
    (here / "snapgate.toml").write_text('socs = "SM8550"')
    assert run(["--artifact", "gone"]) == 2
    assert "sets 'socs', which is no option; did you mean soc?" in capsys.readouterr().err

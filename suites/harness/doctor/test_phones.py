"""``python -m harness doctor`` tells of adb, its servers and their phones, and never hangs."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.commands.main import main
from harness.devices.adb.programs import adb_programs
from harness.devices.lease import lease_folder
from harness.devices.phone.exclusive_use import phone_lease
from harness.virtual_phone.faults import CommandRule, Faults
from harness.virtual_phone.machine.condition import Battery, Thermal
from harness.virtual_phone.machine.virtual_build import write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone.client import wait_for_state

Diagnosis = dict[str, object]
Diagnose = Callable[..., tuple[int, dict[str, Diagnosis]]]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateAdbServer]:
    """A real adb server without phones."""
    program = next(program for program in adb_programs() if program.installed)
    with PrivateAdbServer(program.path) as running:
        yield running


@pytest.fixture
def phone(server: PrivateAdbServer) -> Iterator[VirtualPhone]:
    """A virtual phone at that server."""
    with VirtualPhone("SM8550", "SHELF-3") as running:
        server.attach(running)
        yield running
        server.unplug(running)


@pytest.fixture
def diagnose(
    server: PrivateAdbServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Diagnose:
    """Exit code and diagnoses by subject."""
    monkeypatch.setenv("SNAPGATE_LEASE_DIR", str(tmp_path / "leases"))

    def ask(*options: str, port: int = server.port) -> tuple[int, dict[str, Diagnosis]]:
        code = main(["doctor", "--json", "--adb-host", f"127.0.0.1:{port}", *options])
        diagnoses = json.loads(capsys.readouterr().out)
        return code, {diagnosis["subject"]: diagnosis for diagnosis in diagnoses}

    return ask


def test_adb_and_each_server_are_named_with_their_build(
    diagnose: Diagnose, server: PrivateAdbServer
) -> None:
    code, found = diagnose("--adb", str(server.adb_program))
    assert code == 0
    assert "Version" in str(found["adb"]["value"])
    assert str(found[f"adb server 127.0.0.1:{server.port}"]["value"]).startswith("adb ")
    assert "plug one in" in str(found["phone"]["problem"])


def test_a_phone_is_told_in_one_line(diagnose: Diagnose, phone: VirtualPhone) -> None:
    phone.set_battery(Battery(level_percent=80))
    code, found = diagnose()
    told = str(found["phone SHELF-3"]["value"])
    assert code == 0
    assert "SM8550" in told
    assert "free, thermal status 0, battery 80 %" in told
    assert "GiB free" in told
    assert found["phone SHELF-3"]["problem"] is None


def test_a_phone_is_told_and_asked_for_by_its_name(
    diagnose: Diagnose, phone: VirtualPhone, tmp_path: Path
) -> None:
    inventory = tmp_path / "phones.toml"
    inventory.write_text(f'[[phone]]\nserialno = "{phone.serialno}"\nname = "desk"\n')
    build = write_virtual_build(tmp_path / "build")
    asked = ["--phones", str(inventory), "--serial", "desk", "--build-dir", str(build)]
    code, found = diagnose(*asked)
    assert code == 0
    assert "SM8550" in str(found["phone SHELF-3 (desk)"]["value"])
    assert "can start on SHELF-3" in str(found["run on a phone"]["value"])


def test_phones_of_the_laboratory_that_are_absent_are_told_with_the_remedy(
    diagnose: Diagnose, phone: VirtualPhone, tmp_path: Path
) -> None:
    inventory, switched = tmp_path / "phones.toml", tmp_path / "switched"
    inventory.write_text(
        f'[[phone]]\nserialno = "{phone.serialno}"\nname = "shelf"\n'
        f'[[phone]]\nserialno = "R5CT"\nname = "desk"\nrecover = "touch {switched}"\n'
        '[[phone]]\nserialno = "R5CU"\nname = "lent"\n'
    )
    code, found = diagnose("--phones", str(inventory))
    assert code == 0
    assert found["phone SHELF-3 (shelf)"]["problem"] is None
    told = str(found["phone R5CT (desk)"]["problem"])
    assert f"SNAPGATE_SERIALNO=R5CT touch {switched}" in told
    assert "take it out of phones.toml" in str(found["phone R5CU (lent)"]["problem"])
    code, found = diagnose("--phones", str(inventory), "--serial", "desk")
    assert (code, found["phone R5CT (desk)"]["value"]) == (1, "absent")
    assert not switched.exists()


def test_adbs_variables_are_told_whether_they_decide_or_not(
    server: PrivateAdbServer,
    phone: VirtualPhone,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And a phone that a variable names has to be usable only where one is asked for."""

    def ask(*options: str) -> tuple[int, dict[str, Diagnosis]]:
        code = main(["doctor", "--json", *options])
        return code, {one["subject"]: one for one in json.loads(capsys.readouterr().out)}

    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.port))
    monkeypatch.setenv("ANDROID_SERIAL", "SHELF-4")
    code, found = ask()
    assert code == 0
    assert found["adb_host"]["value"] == f"127.0.0.1:{server.port}, from ANDROID_ADB_SERVER_PORT"
    assert found["serial"]["value"] == "SHELF-4, from ANDROID_SERIAL"
    assert "SM8550" in str(found["phone SHELF-3"]["value"])
    code, found = ask("--soc", "SM8550")
    assert code == 1
    assert "No phone has the serial 'SHELF-4'" in str(found["run on a phone"]["problem"])
    typed = ["--serial", "SHELF-3", "--adb-host", f"localhost:{server.port}"]
    _, found = ask(*typed)
    assert found["ANDROID_SERIAL"]["value"] == "not used: serial is from the command line"
    assert (
        found["ANDROID_ADB_SERVER_PORT"]["value"] == "not used: adb_host is from the command line"
    )


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("ADB_SERVER_SOCKET", "localfilesystem:/run/adb"),
        ("ADB_SERVER_SOCKET", "localabstract:adb"),
        ("ADB_SERVER_SOCKET", "vsock:2:5037"),
        ("ADB_SERVER_SOCKET", "5038"),
        ("ADB_SERVER_SOCKET", "tcp:lab3"),
        ("ADB_SERVER_SOCKET", "tcp:a:b:5037"),
        ("ANDROID_ADB_SERVER_PORT", "70000"),
        ("ANDROID_ADB_SERVER_ADDRESS", "a:b"),
    ],
)
def test_a_variable_that_names_no_server_is_a_finding_among_all_others(
    variable: str,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, text)
    assert main(["doctor", "--json"]) == 0
    found = {one["subject"]: one for one in json.loads(capsys.readouterr().out)}
    assert {"Python", "torch", "cache"} <= found.keys()
    assert variable in found["adb server"]["problem"]

    assert main(["doctor", "--soc", "SM8550"]) == 1
    assert variable in capsys.readouterr().out


def test_an_option_decides_where_a_variable_names_no_server(
    diagnose: Diagnose, server: PrivateAdbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADB_SERVER_SOCKET", "localabstract:adb")
    code, found = diagnose()
    assert code == 0
    assert str(found[f"adb server 127.0.0.1:{server.port}"]["value"]).startswith("adb ")


def test_a_damaged_list_of_phones_is_a_finding_among_all_others(
    diagnose: Diagnose, tmp_path: Path
) -> None:
    inventory = tmp_path / "phones.toml"
    inventory.write_text("[[phone]")
    code, found = diagnose("--phones", str(inventory))
    assert (code, found["phones"]["value"]) == (1, "cannot be looked for")
    assert str(inventory) in str(found["phones"]["problem"])


def test_a_hot_phone_is_told_with_the_remedy(diagnose: Diagnose, phone: VirtualPhone) -> None:
    phone.set_thermal(Thermal(status=3))
    _, found = diagnose()
    assert "its thermal status is 3, above 0; let it cool" in str(found["phone SHELF-3"]["problem"])


def test_the_holder_of_a_phone_is_named(diagnose: Diagnose, phone: VirtualPhone) -> None:
    with phone_lease(lease_folder(), ["SHELF-3"], 0.0):
        _, found = diagnose()
    assert f"held by process {os.getpid()}" in str(found["phone SHELF-3"]["value"])


def test_an_unauthorized_phone_is_named_with_the_remedy(
    diagnose: Diagnose, phone: VirtualPhone, server: PrivateAdbServer
) -> None:
    phone.set_faults(Faults(availability="unauthorized"))
    wait_for_state(server, phone, "unauthorized")
    code, found = diagnose("--serial", phone.serial)
    told = found[f"phone {phone.serial}"]
    assert code == 1
    assert told["blocks_run"]
    assert "has not authorized this computer" in str(told["value"])
    assert "tap Allow" in str(told["problem"])


def test_a_phone_that_does_not_answer_costs_seconds(
    diagnose: Diagnose, phone: VirtualPhone
) -> None:
    rule = CommandRule(pattern="dumpsys", hang=True)
    phone.set_faults(Faults(command_rules=(rule,)))
    code, found = diagnose()
    assert code == 0
    assert "does not answer" in str(found["phone SHELF-3"]["value"])
    assert "took more than 8 s" in str(found["phone SHELF-3"]["problem"])


def test_a_missing_server_is_told_and_not_started(diagnose: Diagnose) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, found = diagnose(port=port)
    assert code == 0
    assert "a run starts it" in str(found[f"adb server 127.0.0.1:{port}"]["problem"])
    code, _ = diagnose("--soc", "SM8550", port=port)
    assert code == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_run_that_is_asked_for_needs_its_phone_and_its_runner(
    diagnose: Diagnose, phone: VirtualPhone, tmp_path: Path
) -> None:
    build = ["--build-dir", str(write_virtual_build(tmp_path / "build"))]
    assert diagnose("--serial", "SHELF-3", *build)[0] == 0
    code, found = diagnose("--soc", "SM8650", *build)
    assert code == 1
    assert "No phone with SM8650 is attached" in str(found["run on a phone"]["problem"])
    code, found = diagnose("--serial", "SHELF-3")
    assert code == 1
    assert "--build-dir" in str(found["run on a phone"]["problem"])

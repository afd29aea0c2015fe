"""A phone as a process: one line on its output, controls over loopback, an end with its input."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.virtual_phone.faults import CommandRule, Faults
from harness.virtual_phone.machine.condition import Battery
from harness.virtual_phone.phone_process import PhoneFailed, PhoneProcess
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone.client import adb, shell, wait_for_state, wait_until_back

COMMAND = (sys.executable, "-m", "harness.virtual_phone")


@pytest.fixture(scope="module")
def process() -> Iterator[PhoneProcess]:
    arguments = ["--soc", "SM8650", "--serialno", "AFAR", "--property", "ro.build.type=eng"]
    with PhoneProcess(arguments) as running:
        yield running


def test_it_announces_itself_in_one_line_of_json() -> None:
    with subprocess.Popen(
        (*COMMAND, "--serialno", "ANNOUNCED"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as phone:
        assert phone.stdin is not None
        assert phone.stdout is not None
        line = json.loads(phone.stdout.readline())
        phone.stdin.close()
        assert phone.wait(20) == 0
        assert phone.stdout.read() == b""
    assert line["serialno"] == "ANNOUNCED"
    assert line["soc"] == "SM8550"
    assert line["serial"] == f"127.0.0.1:{line['port']}"
    assert line["port"] > 5585
    assert line["control"].startswith("127.0.0.1:")


def test_it_is_the_phone_that_was_ordered(server: PrivateAdbServer, process: PhoneProcess) -> None:
    server.attach(process)
    properties = "getprop ro.soc.model; getprop ro.serialno; getprop ro.build.type"
    assert shell(server, process, properties) == "SM8650\nAFAR\neng\n"
    server.unplug(process)


def test_its_faults_change_from_afar(server: PrivateAdbServer, process: PhoneProcess) -> None:
    server.attach(process)
    process.set_fault(command_rules=(CommandRule(pattern="^whoami", stdout="nobody\n"),))
    assert adb(server, process, "shell", "whoami").stdout == b"nobody\n"
    assert process.clear_faults().faults == Faults()
    process.set_battery(Battery(level_percent=7))
    assert "level: 7" in shell(server, process, "dumpsys battery")
    process.reboot(down_s=0.1)
    wait_for_state(server, process, "offline")
    wait_until_back(server, process)
    assert process.status().reboots >= 1
    server.unplug(process)


def test_a_mistaken_control_is_told_and_changes_nothing(process: PhoneProcess) -> None:
    host, _, port = process.announcement.control.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b'{"faults": {"latency": 1}}\nnot json\n{}\n')
        lines = connection.makefile()
        answers = [json.loads(lines.readline()) for _ in range(3)]
    assert "latency" in answers[0]["error"]
    assert "JSON" in answers[1]["error"]
    assert answers[2]["faults"] == Faults().model_dump(mode="json")


def test_a_port_that_emulators_have_is_refused() -> None:
    with pytest.raises(PhoneFailed, match="5555 to 5585"), PhoneProcess(["--port", "5555"]):
        pass


def test_a_port_that_is_taken_is_named_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(PhoneFailed, match="does not start"), PhoneProcess(["--port", port]):
            pass

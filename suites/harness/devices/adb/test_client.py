"""A command on a phone is answered whole and in time, or it is said that it was not."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.adb.client import LONGEST_COMMAND_BYTES, AdbPhone
from harness.devices.adb.connection import NoServer
from harness.devices.adb.discovery import find_phones
from harness.devices.adb.server import AdbServer, ServerAddress, parse_address
from harness.devices.adb.server_status import parse_status
from harness.devices.transport.errors import ConnectionLost, DeadlineExceeded
from harness.devices.transport.found_phone import PhoneUnusable
from harness.devices.transport.retrying import RetryLimits, retrying
from harness.errors import UserError
from harness.virtual_phone.faults import CommandRule, Cut, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from harness.virtual_phone.profile import FEATURES


def test_output_errors_and_exit_code_come_apart(phone: AdbPhone) -> None:
    answer = phone.ask("echo out; echo err >&2; exit 3  # the end", 10)
    assert (answer.stdout, answer.stderr, answer.exit_code) == ("out\n", "err", 3)


def test_a_phone_that_tells_no_exit_codes_is_refused_in_a_sentence(
    adb_server: PrivateAdbServer, tmp_path: Path
) -> None:
    """Android 6 and older; nothing is run there, and no server lists it as usable."""
    features = tuple(feature for feature in FEATURES if feature != "shell_v2")
    with VirtualPhone(root=tmp_path / "phone", features=features) as virtual:
        adb_server.attach(virtual)
        server = AdbServer(ServerAddress(port=adb_server.port))
        told = rf"{virtual.serial} has an adbd without shell_v2 among its {len(features)} features"
        with pytest.raises(PhoneUnusable, match=f"{told}.* Android 7 or newer"):
            AdbPhone(server, virtual.serial).ask("true", 10)
        assert [str(one) for one in find_phones([server]).unusable if re.match(told, str(one))]
        assert not [service for service in virtual.status().services if "shell" in service]
        adb_server.unplug(virtual)


def test_a_command_that_reads_gets_the_end_of_its_input(phone: AdbPhone) -> None:
    assert phone.ask("cat; echo done", 10).stdout == "done\n"


def test_a_long_answer_arrives_whole(phone: AdbPhone) -> None:
    zeros = bytes(3_000_000)
    assert phone.ask(f"head -c {len(zeros)} /dev/zero", 60).raw == zeros


@pytest.mark.parametrize("how", ["rst", "fin", "unplug"])
def test_a_cut_answer_is_no_answer(phone: AdbPhone, virtual: VirtualPhone, how: str) -> None:
    cut = Cut.model_validate({"how": how})
    trigger = CutTrigger(on_command="echo first", delay_s=0.3, cut=cut)
    virtual.set_faults(Faults(triggers=(trigger,)))
    with pytest.raises(ConnectionLost):
        phone.ask("echo first; sleep 5; echo last", 20)


def test_a_chatty_command_does_not_outlast_its_time(phone: AdbPhone) -> None:
    start_s = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        phone.ask("while :; do echo x; sleep 0.05; done", 1)
    assert time.monotonic() - start_s < 5


def test_a_phone_that_stops_moving_does_not_hang_us(phone: AdbPhone, virtual: VirtualPhone) -> None:
    assert phone.ask("true", 10).exit_code == 0
    virtual.set_faults(Faults(triggers=(CutTrigger(on_command="echo", cut=Cut(how="stall")),)))
    with pytest.raises(ConnectionLost):
        phone.ask("echo", 1.5)


def test_a_command_that_never_ends_is_left_alone(phone: AdbPhone, virtual: VirtualPhone) -> None:
    virtual.set_faults(Faults(command_rules=(CommandRule(pattern="echo hung", hang=True),)))
    with pytest.raises(DeadlineExceeded):
        phone.ask("echo hung", 1)


def test_a_command_that_the_server_would_choke_on_is_not_sent(phone: AdbPhone) -> None:
    with pytest.raises(ValueError, match="push it as a script"):
        phone.ask("#" * (LONGEST_COMMAND_BYTES + 1), 5)


def test_a_restarted_server_finds_the_phone_again(
    phone: AdbPhone, adb_server: PrivateAdbServer
) -> None:
    adb_server.restart()
    deadline_s = time.monotonic() + 20
    while True:
        try:
            assert phone.ask("echo back", 5).stdout == "back\n"
            return
        except (ConnectionLost, NoServer):
            assert time.monotonic() < deadline_s


def test_a_phone_whose_greeting_got_lost_is_connected_anew(
    phone: AdbPhone, virtual: VirtualPhone
) -> None:
    """Nobody else would: the server calls it offline, and waits for a greeting for ever."""
    virtual.set_faults(Faults(lost_greetings=1))
    virtual.cut()
    answer = retrying(phone, 60, RetryLimits(absence_s=8)).until_done(
        lambda: phone.ask("echo back", 5)
    )
    assert answer.stdout == "back\n"
    assert virtual.status().faults.lost_greetings == 0


def test_an_unauthorized_phone_is_told_by_what_to_do(
    phone: AdbPhone, virtual: VirtualPhone
) -> None:
    assert phone.ask("true", 10).exit_code == 0
    virtual.set_fault(availability="unauthorized")
    virtual.cut()
    deadline_s = time.monotonic() + 20
    words = ""
    while "Allow" not in words:
        assert time.monotonic() < deadline_s
        with pytest.raises(ConnectionLost) as lost:
            phone.ask("sleep 0.3", 5)
        words = str(lost.value)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def test_asking_starts_no_server(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(NoServer, match=str(port)):
        AdbServer(ServerAddress(port=port), tmp_path / "adb").phones()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_a_server_of_another_machine_is_not_started_here(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = tmp_path / "adb"
    program.write_text(f"#!/bin/sh\ntouch {started}\n")
    program.chmod(0o755)
    # A network for documentation (RFC 5737), where nobody answers; refused or lost, both will do.
    with pytest.raises(NoServer, match=r"192\.0\.2\.1:5037"):
        AdbServer(ServerAddress("192.0.2.1"), program).ensure_running()
    assert not started.exists()


def test_a_running_server_is_not_touched(adb_server: PrivateAdbServer, tmp_path: Path) -> None:
    program = tmp_path / "adb that must not be called"
    AdbServer(ServerAddress(port=adb_server.port), program).ensure_running()


def test_a_server_says_which_adb_it_is(adb_server: PrivateAdbServer) -> None:
    info = AdbServer(ServerAddress(port=adb_server.port)).describe()
    assert info.protocol == 41
    if "server_status" in info.features:
        assert info.program == str(adb_server.adb_program)
        assert info.version is not None
        assert info.version in str(info)
    else:
        assert "older" in str(info)


@given(st.binary(max_size=200))
def test_any_status_is_read_without_failing(status: bytes) -> None:
    assert parse_status(41, (), status).protocol == 41


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("lab3", ServerAddress("lab3")),
        ("lab3:6000", ServerAddress("lab3", 6000)),
        ("[::1]", ServerAddress("::1")),
        ("[fe80::1%eth0]:6000", ServerAddress("fe80::1%eth0", 6000)),
    ],
)
def test_addresses(text: str, address: ServerAddress) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["lab3:", "lab3:adb", "lab3:0", "lab3:65536", ":5037", "[lab3]:1", "::1"]
)
def test_wrong_addresses_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--adb-host"):
        parse_address(text)


def test_only_loopback_is_this_machine() -> None:
    assert ServerAddress().is_local
    assert ServerAddress("localhost").is_local
    assert not ServerAddress("lab3").is_local
    assert not ServerAddress("192.0.2.1").is_local

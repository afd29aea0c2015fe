"""Each fault, as a real adb client meets it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.virtual_phone.faults import CommandRule, Cut, CutKind, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.small_disk import small_disk
from suites.harness.virtual_phone.client import (
    adb,
    shell,
    start,
    wait_for_state,
    wait_until,
    wait_until_back,
    words,
)

FILE = "/data/local/tmp/file"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    file = tmp_path / "sent"
    file.write_bytes(os.urandom(4 << 20))
    return file


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_a_cut_ends_what_runs_and_the_server_finds_the_phone_again(
    server: PrivateAdbServer, attached: VirtualPhone, how: CutKind
) -> None:
    with start(server, attached, "shell", "echo started; sleep 60; echo ended") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"started\n"
        attached.cut(Cut(how=how))
        # Without asking for its exit code: that of Debian's adb is 0 after a cut.
        assert b"ended" not in client.stdout.read()
    wait_until_back(server, attached)
    assert shell(server, attached, "echo again") == "again\n"
    assert attached.status().cuts == 1


def test_a_phone_that_is_down_is_listed_offline_until_it_is_back(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.cut(Cut(down_s=1.0))
    wait_for_state(server, attached, "offline")
    wait_until_back(server, attached)


def test_a_stall_moves_nothing_and_looks_like_a_device(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.cut(Cut(how="stall"))
    with start(server, attached, "shell", "echo never") as client:
        time.sleep(0.5)
        assert client.poll() is None
        assert server.state_of(attached) == "device"
        attached.cut(Cut(how="rst"))
        assert client.wait(20) != 0
    wait_until_back(server, attached)


def test_an_unplugged_phone_comes_back_as_another_transport(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    before = server.transport_id_of(attached)
    attached.cut(Cut(how="unplug", down_s=0.5))
    wait_for_state(server, attached, None)
    wait_until_back(server, attached)
    assert server.transport_id_of(attached) not in (before, None)


def test_a_phone_that_no_server_has_cannot_be_unplugged(phone: VirtualPhone) -> None:
    with pytest.raises(ValueError, match="attach"):
        phone.cut(Cut(how="unplug"))
    with pytest.raises(ValueError, match="attach"):
        phone.set_fault(triggers=(CutTrigger(on_command="x", cut=Cut(how="unplug")),))


def test_a_stalled_transport_that_carried_data_can_be_cut(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path
) -> None:
    stall = CutTrigger(after_bytes_in=1 << 20, cut=Cut(how="stall"))
    attached.set_fault(triggers=(stall,))
    with start(server, attached, "push", str(sent), FILE) as client:
        wait_until(lambda: attached.status().cuts == 1)
        attached.cut()
        assert client.wait(20) != 0
    wait_until_back(server, attached)
    wait_until(lambda: attached.status().connections == 1)


def test_a_trigger_waits_for_bytes_of_a_push(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path
) -> None:
    attached.set_fault(triggers=(CutTrigger(after_bytes_in=2 << 20),))
    assert adb(server, attached, "push", str(sent), FILE).returncode != 0
    left = (attached.root / FILE[1:]).stat().st_size
    assert left < sent.stat().st_size
    wait_until_back(server, attached)
    assert adb(server, attached, "push", str(sent), FILE).returncode == 0


def test_a_trigger_waits_for_bytes_of_a_pull(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path, tmp_path: Path
) -> None:
    adb(server, attached, "push", str(sent), FILE)
    attached.set_fault(triggers=(CutTrigger(after_bytes_out=2 << 20),))
    assert adb(server, attached, "pull", FILE, str(tmp_path / "back")).returncode != 0


def test_a_trigger_waits_for_a_command_as_often_as_it_is_told(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.set_fault(triggers=(CutTrigger(on_command="^sleep", times=2, delay_s=0.1),))
    assert shell(server, attached, "echo sleep") == "sleep\n"
    assert b"done" not in adb(server, attached, "shell", "sleep 9; echo done").stdout
    wait_until_back(server, attached)
    assert b"done" not in adb(server, attached, "shell", "sleep 9; echo done").stdout
    wait_until_back(server, attached)
    assert shell(server, attached, "sleep 0.3; echo done") == "done\n"


def test_an_unauthorized_phone_waits_for_allow(
    server: PrivateAdbServer, phone: VirtualPhone
) -> None:
    phone.set_fault(availability="unauthorized")
    assert "failed to authenticate" in server.plug_in(phone)
    assert server.state_of(phone) == "unauthorized"
    assert "unauthorized" in words(adb(server, phone, "shell", "true"))
    phone.allow()
    wait_until_back(server, phone)
    assert shell(server, phone, "echo allowed") == "allowed\n"
    server.unplug(phone)


def test_a_phone_can_lose_its_authorization(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.set_fault(availability="unauthorized")
    wait_for_state(server, attached, "unauthorized")
    attached.allow()
    wait_until_back(server, attached)


def test_a_phone_that_asks_for_a_key_takes_the_server_s(
    server: PrivateAdbServer, phone: VirtualPhone
) -> None:
    phone.set_fault(asks_for_key=True)
    server.attach(phone)
    assert shell(server, phone, "echo in") == "in\n"
    server.unplug(phone)


def test_a_silent_phone_is_offline(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    attached.set_fault(availability="silent")
    wait_for_state(server, attached, "offline")
    assert "offline" in words(adb(server, attached, "shell", "true"))
    attached.set_fault(availability="device")
    wait_until_back(server, attached)


def test_a_phone_whose_greeting_is_lost_stays_offline_until_it_is_reconnected(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.set_fault(lost_greetings=1)
    adb(server, attached, "reconnect")
    server.plug_in(attached)
    wait_for_state(server, attached, "offline")
    assert attached.status().faults.lost_greetings == 0
    adb(server, attached, "reconnect")
    server.plug_in(attached)
    wait_until_back(server, attached)


def test_a_phone_in_recovery_says_so(server: PrivateAdbServer, phone: VirtualPhone) -> None:
    phone.set_fault(availability="recovery")
    server.plug_in(phone)
    wait_for_state(server, phone, "recovery")
    server.unplug(phone)


def test_a_refusing_phone_is_offline(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    attached.set_fault(availability="refusing")
    wait_for_state(server, attached, "offline")
    attached.set_fault(availability="device")
    wait_until_back(server, attached)


def test_a_full_disk_refuses_the_rest_of_a_push(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path
) -> None:
    attached.set_fault(disk_full_after_bytes=1 << 20)
    answer = adb(server, attached, "push", str(sent), FILE)
    assert answer.returncode == 1
    assert "No space left on device" in words(answer)
    assert not (attached.root / FILE[1:]).exists()
    attached.clear_faults()
    assert adb(server, attached, "push", str(sent), FILE).returncode == 0


def test_a_disk_of_its_own_is_truly_full_for_pushes_and_programs(
    server: PrivateAdbServer, tmp_path: Path, sent: Path
) -> None:
    with (
        small_disk(tmp_path / "phone/data", 16 << 10),
        VirtualPhone(root=tmp_path / "phone") as phone,
    ):
        server.attach(phone)
        phone.set_fault(disk_full_on_command="first")
        assert shell(server, phone, "cd /data/local/tmp; echo 1 > a; echo first; cat a") == (
            "first\n"
        )
        answer = adb(server, phone, "push", str(sent), FILE)
        assert "No space left on device" in words(answer)
        assert not (phone.root / FILE[1:]).exists()
        assert adb(server, phone, "shell", "echo 1 > /data/local/tmp/b").returncode != 0
        assert shell(server, phone, "df -k /data").splitlines()[1].split()[3] == "0"
        phone.clear_faults()
        assert adb(server, phone, "push", str(sent), FILE).returncode == 0
        big = sent.with_name("big")
        big.write_bytes(bytes(20 << 20))
        assert "No space left on device" in words(adb(server, phone, "push", str(big), FILE))
        assert not (phone.root / FILE[1:]).exists()
        server.unplug(phone)


def test_df_tells_how_little_is_free(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    attached.set_fault(available_bytes=5 << 20)
    assert shell(server, attached, "df -k /data").splitlines()[1].split()[3] == "5120"


def test_a_refused_push_gives_its_reason(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path
) -> None:
    attached.set_fault(push_refusal="Read-only file system")
    answer = adb(server, attached, "push", str(sent), FILE)
    assert answer.returncode == 1
    assert "couldn't create file: Read-only file system" in words(answer)


def test_a_corrupted_push_is_called_good(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path
) -> None:
    attached.set_fault(corrupt_pushes=1)
    assert adb(server, attached, "push", str(sent), FILE).returncode == 0
    there, here = (attached.root / FILE[1:]).read_bytes(), sent.read_bytes()
    assert (there[0] ^ here[0], there[1:] == here[1:]) == (1, True)
    assert adb(server, attached, "push", str(sent), FILE).returncode == 0
    assert (attached.root / FILE[1:]).read_bytes() == here


def test_a_rule_answers_instead_of_a_command(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    rule = CommandRule(pattern="^id$", stdout="shell\n", stderr="hm\n", exit_code=7, times=1)
    attached.set_fault(command_rules=(rule,))
    answer = adb(server, attached, "shell", "id")
    assert (answer.stdout, answer.stderr, answer.returncode) == (b"shell\n", b"hm\n", 7)
    assert "uid=" in shell(server, attached, "id")


def test_a_rule_lets_a_command_hang(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    attached.set_fault(command_rules=(CommandRule(pattern="hang", stdout="so far\n", hang=True),))
    with start(server, attached, "shell", "hang") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"so far\n"
        time.sleep(0.3)
        assert client.poll() is None
        client.kill()


@pytest.mark.parametrize(
    "slow",
    [Faults(in_bytes_per_s=4e6), Faults(latency_s=0.05), Faults(out_bytes_per_s=1e3)],
    ids=["push", "latency", "answers"],
)
def test_a_slow_phone_takes_the_time_that_it_has_to(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path, slow: Faults
) -> None:
    attached.set_faults(slow)
    begun_s = time.monotonic()
    assert adb(server, attached, "push", str(sent), FILE).returncode == 0
    assert adb(server, attached, "shell", "seq 130").returncode == 0
    # A lower bound that the rates make sure; how much longer it takes is not asserted.
    assert time.monotonic() - begun_s > 0.3


def test_faults_hold_until_they_are_cleared(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.set_fault(available_bytes=0)
    assert attached.set_fault(latency_s=0.01).faults.available_bytes == 0
    assert attached.clear_faults().faults == Faults()


@pytest.mark.parametrize(
    "wrong", [{"availability": "asleep"}, {"latency": 1}, {"corrupt_pushes": -1}]
)
def test_a_fault_that_there_is_not_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Faults.model_validate(wrong)


def test_a_phone_counts_what_went_over_its_transport(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path
) -> None:
    before = attached.status()
    adb(server, attached, "push", str(sent), FILE)
    wait_until(lambda: attached.status().bytes_in - before.bytes_in >= sent.stat().st_size)
    assert any(service.startswith("sync:") for service in attached.status().services)

"""What becomes of processes on the phone when the transport goes, or the phone itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.virtual_phone.faults import Cut
from harness.virtual_phone.machine.sandbox import Isolation, NoSandbox
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.phone_process import PhoneProcess
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone.client import (
    adb,
    shell,
    start,
    wait_for_content,
    wait_for_state,
    wait_until,
    wait_until_back,
)

FOLDER = "/data/local/tmp"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
BEAT = f"{FOLDER}/beat"
DAEMON = f"setsid sh -c 'while :; do : > {BEAT}; sleep 0.05; done' >/dev/null 2>&1 </dev/null &"
# Process ids say nothing: a phone that was rebooted gives them out again.
ALIVE = f"rm -f {BEAT}; sleep 0.5; test -f {BEAT} && echo alive || echo dead"


@pytest.fixture(params=["chroot", "rewrite"])
def confined(
    request: pytest.FixtureRequest, server: PrivateAdbServer, tmp_path: Path
) -> Iterator[VirtualPhone]:
    """A phone in each kind of sandbox."""
    isolation: Isolation = request.param
    phone = VirtualPhone(root=tmp_path / "phone", isolation=isolation)
    try:
        phone.__enter__()
    except NoSandbox as error:
        pytest.skip(f"this machine has no {isolation} for a phone: {error}")
    server.attach(phone)
    yield phone
    server.unplug(phone)
    phone.__exit__(None, None, None)


def test_a_daemon_outlives_a_cut_and_dies_in_a_reboot(
    server: PrivateAdbServer, confined: VirtualPhone
) -> None:
    shell(server, confined, DAEMON)
    boot_id = shell(server, confined, f"cat {BOOT_ID}")
    confined.cut()
    wait_until_back(server, confined)
    assert shell(server, confined, ALIVE) == "alive\n"
    assert shell(server, confined, f"cat {BOOT_ID}") == boot_id
    confined.reboot(down_s=0.2)
    wait_for_state(server, confined, "offline")
    wait_until_back(server, confined)
    assert shell(server, confined, ALIVE) == "dead\n"
    assert shell(server, confined, f"cat {BOOT_ID}") != boot_id


def test_adb_reboot_reboots(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    boot_id = shell(server, attached, f"cat {BOOT_ID}")
    adb(server, attached, "reboot")
    wait_for_state(server, attached, "offline")
    wait_until_back(server, attached)
    assert attached.status().reboots == 1
    assert shell(server, attached, f"cat {BOOT_ID}") != boot_id


def test_a_reboot_keeps_files_and_properties(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    shell(server, attached, f"echo kept > {FOLDER}/file")
    attached.reboot(down_s=0.1)
    wait_for_state(server, attached, "offline")
    wait_until_back(server, attached)
    assert shell(server, attached, f"cat {FOLDER}/file; getprop ro.serialno") == "kept\nVIRTUAL01\n"


def test_a_cut_hangs_up_the_direct_child_alone(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    told = f"trap 'echo hung up > {FOLDER}/parent; exit' HUP"
    child = f"(trap 'echo no > {FOLDER}/child' HUP; sleep 1; echo went on > {FOLDER}/child) &"
    command = f"{told}; {child} echo ready; while :; do sleep 0.05; done"
    with start(server, attached, "shell", command) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        attached.cut()
    assert wait_for_content(attached.root / f"{FOLDER[1:]}/parent") == "hung up\n"
    assert wait_for_content(attached.root / f"{FOLDER[1:]}/child") == "went on\n"


def test_output_into_a_cut_transport_is_a_broken_pipe(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    command = (
        f"trap '' HUP; echo ready; sleep 0.5; (echo more) 2>/dev/null; echo $? > {FOLDER}/code"
    )
    with start(server, attached, "shell", command) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        attached.cut()
    assert wait_for_content(attached.root / f"{FOLDER[1:]}/code") != "0\n"


def test_commands_see_the_phone_and_cannot_change_the_machine(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    if attached.status().isolation != "chroot":
        pytest.skip(f"no chroot here: {attached.status().isolation_reason}")
    assert "vendor" in shell(server, attached, "ls /").split()
    assert adb(server, attached, "shell", "touch /usr/file").returncode == 1
    processes = shell(server, attached, "ls /proc").split()
    assert str(os.getpid()) not in processes


def test_without_a_chroot_paths_in_commands_are_the_phone_s(
    server: PrivateAdbServer, tmp_path: Path
) -> None:
    with VirtualPhone(root=tmp_path / "phone", isolation="rewrite") as phone:
        server.attach(phone)
        assert phone.status().isolation == "rewrite"
        shell(server, phone, f"echo here > {FOLDER}/file")
        assert (tmp_path / "phone/data/local/tmp/file").read_text() == "here\n"
        server.unplug(phone)


@pytest.mark.parametrize("isolation", ["chroot", "rewrite"])
def test_nothing_of_a_phone_outlives_it(
    server: PrivateAdbServer, tmp_path: Path, isolation: Isolation
) -> None:
    try:
        with VirtualPhone(root=tmp_path / "phone", isolation=isolation) as phone:
            server.attach(phone)
            shell(server, phone, "setsid sleep 4321 >/dev/null 2>&1 </dev/null &")
            wait_until(lambda: running("4321", tmp_path))
            server.unplug(phone)
    except NoSandbox as error:
        pytest.skip(str(error))
    assert not running("4321", tmp_path)


def test_nothing_of_a_phone_s_process_outlives_its_murder(
    server: PrivateAdbServer, tmp_path: Path
) -> None:
    with PhoneProcess(["--root", str(tmp_path / "phone")]) as phone:
        server.attach(phone)
        shell(server, phone, "setsid sleep 5432 >/dev/null 2>&1 </dev/null &")
        wait_until(lambda: running("5432", tmp_path))
        psutil.Process(phone.pid).kill()
        wait_until(lambda: not running("5432", tmp_path))
        server.unplug(phone)


def running(argument: str, folder: Path) -> bool:
    """Whether a process with this argument runs on the phone in this folder."""
    for process in psutil.process_iter():
        try:
            if process.cmdline()[-1:] == [argument] and of_phone(process, folder):
                return True
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return False


def of_phone(process: psutil.Process, folder: Path) -> bool:
    """A phone with a root of its own shows the folder in what it has mounted, from ``/`` on."""
    home = process.environ().get("HOME", "")
    mounted = Path(f"/proc/{process.pid}/mountinfo").read_text()
    return home.startswith(str(folder)) or f"/{folder.parent.name}/{folder.name}/phone" in mounted


def test_a_cut_ends_no_phone_that_is_not_cut(
    server: PrivateAdbServer, attached: VirtualPhone, tmp_path: Path
) -> None:
    with VirtualPhone(serialno="VIRTUAL02", root=tmp_path / "other") as other:
        server.attach(other)
        with start(server, other, "shell", "echo ready; read line; echo $line") as client:
            assert client.stdin is not None
            assert client.stdout is not None
            assert client.stdout.readline() == b"ready\n"
            attached.cut(Cut(reboot=True))
            client.stdin.write(b"still here\n")
            client.stdin.close()
            assert client.stdout.read() == b"still here\n"
        wait_until_back(server, attached)
        server.unplug(other)

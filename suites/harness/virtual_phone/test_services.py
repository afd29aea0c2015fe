"""What a phone in good order does for a real adb client."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from pathlib import Path

import pytest

from harness.devices.adb.discovery import find_phones
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.fleet.phone_selection import choose_phones
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone.client import adb, run_client, shell, start, words

FOLDER = "/data/local/tmp"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    file = tmp_path / "sent"
    file.write_bytes(os.urandom(3_000_001))
    file.chmod(0o755)
    os.utime(file, (1_600_000_000, 1_600_000_000))
    return file


def test_the_server_lists_it_as_a_device(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    listed = words(run_client(server, "devices", "-l"))
    assert attached.serial in listed
    assert "product:virtual_phone model:Virtual_Phone" in listed
    assert server.state_of(attached) == "device"


def test_its_features_reach_the_client(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    features = words(adb(server, attached, "features")).split()
    assert {"shell_v2", "stat_v2", "ls_v2"} <= set(features)


def test_a_command_answers_with_both_outputs_and_its_exit_code(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    answer = adb(server, attached, "shell", "echo one; echo two >&2; exit 3")
    assert (answer.stdout, answer.stderr, answer.returncode) == (b"one\n", b"two\n", 3)


def test_a_killed_command_ends_with_128_and_its_signal(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    assert adb(server, attached, "shell", "kill -9 $$").returncode == 137


def test_input_reaches_a_command_until_it_is_closed(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    with start(server, attached, "shell", "wc -c") as client:
        said, _ = client.communicate(b"x" * 200_000, timeout=20)
    assert said.strip() == b"200000"


def test_an_old_shell_mixes_the_outputs_and_keeps_every_byte(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    answer = adb(server, attached, "shell", "-x", r"printf 'a\nb\r\n\003\004'; echo c >&2; exit 3")
    assert (answer.stdout, answer.returncode) == (b"a\nb\r\n\x03\x04c\n", 0)


def test_an_old_shell_runs_in_a_terminal_and_exec_in_none(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    question = "test -t 1 && echo terminal || echo pipe"
    assert adb(server, attached, "shell", "-x", question).stdout == b"terminal\n"
    assert adb(server, attached, "shell", question).stdout == b"pipe\n"
    assert adb(server, attached, "exec-out", question).stdout == b"pipe\n"


def test_much_output_arrives_whole(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    answer = adb(server, attached, "shell", "seq 300000")
    assert answer.stdout == "".join(f"{number}\n" for number in range(1, 300_001)).encode()


def test_a_pushed_file_comes_back_the_same(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path, tmp_path: Path
) -> None:
    assert adb(server, attached, "push", str(sent), f"{FOLDER}/new/folder/file").returncode == 0
    there = attached.root / "data/local/tmp/new/folder/file"
    assert there.stat().st_mtime == 1_600_000_000
    assert stat.S_IMODE(there.stat().st_mode) & 0o700 == 0o700
    back = tmp_path / "back"
    assert adb(server, attached, "pull", f"{FOLDER}/new/folder/file", str(back)).returncode == 0
    assert back.read_bytes() == sent.read_bytes()


def test_folders_are_pushed_listed_and_pulled(
    server: PrivateAdbServer, attached: VirtualPhone, tmp_path: Path
) -> None:
    folder = tmp_path / "tree"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/file").write_text("deep")
    (folder / "empty").write_bytes(b"")
    assert adb(server, attached, "push", str(folder), FOLDER).returncode == 0
    listed = words(adb(server, attached, "ls", f"{FOLDER}/tree"))
    assert listed.split()[3::4] == [".", "..", "empty", "inner"]
    assert adb(server, attached, "pull", f"{FOLDER}/tree", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back/inner/file").read_text() == "deep"


def test_a_missing_file_cannot_be_pulled(
    server: PrivateAdbServer, attached: VirtualPhone, tmp_path: Path
) -> None:
    answer = adb(server, attached, "pull", f"{FOLDER}/none", str(tmp_path / "none"))
    assert answer.returncode == 1
    assert "does not exist" in words(answer) or "No such file" in words(answer)


def test_only_what_shell_may_write_takes_a_push(
    server: PrivateAdbServer, attached: VirtualPhone, sent: Path
) -> None:
    answer = adb(server, attached, "push", str(sent), "/system/lib64/file")
    assert answer.returncode == 1
    assert "couldn't create file: Permission denied" in words(answer)


def test_a_forward_reaches_a_port_on_the_phone(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    serving = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); "
        "print(s.getsockname()[1], flush=True); c = s.accept()[0]; c.sendall(c.recv(9)[::-1])"
    )
    command = shlex.join([sys.executable, "-c", serving])
    with start(server, attached, "shell", command) as program:
        assert program.stdout is not None
        there = program.stdout.readline().decode().strip()
        here = words(adb(server, attached, "forward", "tcp:0", f"tcp:{there}")).strip()
        assert ask(int(here), b"drawer") == b"reward"


def ask(port: int, data: bytes) -> bytes:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        return connection.recv(9)


def test_it_tells_what_kind_of_phone_it_is(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    assert shell(server, attached, "getprop ro.soc.model") == "SM8550\n"
    assert shell(server, attached, "getprop ro.serialno") == "VIRTUAL01\n"
    assert shell(server, attached, "getprop ro.nothing") == "\n"
    assert "[ro.soc.manufacturer]: [QTI]\n" in shell(server, attached, "getprop")
    assert shell(server, attached, "getprop ro.snapgate.virtual.loads").strip().endswith("host")


def test_programs_of_a_phone_are_there(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    shell(server, attached, f"mkdir -p {FOLDER}/a && echo hello > {FOLDER}/a/b")
    assert shell(server, attached, f"sha256sum < {FOLDER}/a/b").startswith("5891b5b522d5df08")
    assert shell(server, attached, f"stat -c %s {FOLDER}/a/b; setsid echo there") == "6\nthere\n"
    assert shell(server, attached, f"df -k {FOLDER}").splitlines()[1].endswith("/data")
    governor = "cat /sys/devices/system/cpu/cpu7/cpufreq/scaling_governor"
    assert shell(server, attached, governor) == "walt\n"
    assert "mWakefulness=Awake" in shell(server, attached, "dumpsys power")
    assert shell(server, attached, "dumpsys nothing") == "Can't find service: nothing\n"


def test_a_phone_outlives_a_command_with_a_nul(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    """Such a command ends there, as a C program's word does; the adb program is never given one."""
    there = find_phones([AdbServer(ServerAddress(port=server.port))])
    (found,) = choose_phones(there, None, attached.serialno)
    assert "two" not in found.phone.ask("echo one\0; echo two", 20.0).stdout
    assert shell(server, attached, "echo alive") == "alive\n"

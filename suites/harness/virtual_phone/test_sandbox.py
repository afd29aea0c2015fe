"""A virtual phone lets nobody in but its user, and nothing out."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.devices.adb.programs import adb_programs
from harness.devices.virtual_session import what_stays_open
from harness.virtual_phone.machine.sandbox import NoSandbox
from harness.virtual_phone.peers import is_from_this_user
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.phone_process import PhoneProcess
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone import escapes
from suites.harness.virtual_phone.client import adb, shell

FOLDER = "/data/local/tmp"
KNOCK = """
import socket, sys
for port in sys.argv[1:]:
    try:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as connection:
            connection.sendall(b"000chost:version\\n")
            answer = connection.recv(1)
    except ConnectionError:
        answer = b""
    print("let in" if answer else "refused")
"""


@pytest.fixture
def attached(server: PrivateAdbServer, phone: VirtualPhone) -> Iterator[VirtualPhone]:
    if phone.status().isolation != "chroot":
        pytest.skip(f"no sandbox here: {phone.status().isolation_reason}")
    server.attach(phone)
    yield phone
    server.unplug(phone)


def test_no_known_way_leads_out(
    server: PrivateAdbServer, attached: VirtualPhone, tmp_path: Path
) -> None:
    (secret := tmp_path / "secret").write_text("of the machine's")
    assert adb(server, attached, "push", str(escapes.__file__), FOLDER).returncode == 0
    tries = (sys.executable, "escapes.py", str(secret), str(os.getpid()), str(server.port))
    assert json.loads(shell(server, attached, f"cd {FOLDER} && {shlex.join(tries)}")) == []
    assert attached.status().shared == ()


def test_what_a_phone_plants_leads_none_of_ours_out(
    server: PrivateAdbServer, attached: VirtualPhone, tmp_path: Path
) -> None:
    (secret := tmp_path / "secret").write_text("as before")
    shell(server, attached, f"ln -s {secret} /system/etc/properties/ro.planted")
    attached.set_property("ro.planted", "new")
    assert secret.read_text() == "as before"
    assert shell(server, attached, "getprop ro.planted") == "new\n"
    planted = adb(server, attached, "shell", f"ln -sf {secret} /system/etc/boot_id")
    assert planted.returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv")
def test_another_user_is_let_in_nowhere() -> None:
    with PhoneProcess() as phone, PrivateAdbServer(adb_programs()[0].path) as server:
        control = phone.announcement.control.partition(":")[2]
        knock = ("python3", "-c", KNOCK, str(phone.port), control, str(server.port))
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *knock)
        here = {"PATH": "/usr/bin:/bin"}
        there = subprocess.run(as_nobody, capture_output=True, text=True, env=here, check=True)
        assert there.stdout.splitlines() == ["refused"] * 3
        own = subprocess.run(knock[:3] + knock[-2:], capture_output=True, text=True, check=True)
        assert own.stdout.splitlines() == ["let in"] * 2


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")]
)
def test_a_connection_has_the_user_who_holds_it(family: socket.AddressFamily, host: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.socket(family, socket.SOCK_STREAM) as ours,
    ):
        ours.connect((host, listening.getsockname()[1]))
        with closing(listening.accept()[0]) as accepted:
            assert is_from_this_user(accepted)
            ours.sendall(b"left behind")
            ours.close()
            assert not is_from_this_user(accepted)


def test_where_there_is_no_sandbox_the_phone_says_what_is_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(NoSandbox, match="util-linux"):
        VirtualPhone(root=tmp_path / "demanded", isolation="chroot").__enter__()
    with VirtualPhone(root=tmp_path / "phone") as phone:
        status = phone.status()
    assert status.isolation == "rewrite"
    assert "util-linux" in str(status.isolation_reason)
    assert status.shared == (f"everything that user {os.geteuid()} may read, change and run",)
    assert str(what_stays_open()).startswith(f"not kept apart from {status.shared[0]}, since there")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert what_stays_open() is None

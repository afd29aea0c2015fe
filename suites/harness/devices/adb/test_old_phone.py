"""A phone without shell v2, which mixes complaints into answers, is served as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.adb.files.local_digests import LocalDigests
from harness.devices.adb.files.pull import pull_file
from harness.devices.adb.files.push import push_file
from harness.devices.adb.files.push_order import FileToPush
from harness.devices.adb.health.state import read_state
from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.errors import PhoneRefused
from harness.devices.adb.protocol.server import AdbServer, ServerAddress
from harness.devices.adb.runs.claimed_run import ClaimedRun, find_runs
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from harness.virtual_phone.profile import OLD_DIALECT

FOLDER = "/data/local/tmp/snapgate"


@pytest.fixture
def old_phone(adb_server: PrivateAdbServer, tmp_path: Path) -> Iterator[AdbPhone]:
    """A phone whose adbd knows no feature at all."""
    with VirtualPhone(root=tmp_path / "phone", dialect=OLD_DIALECT) as virtual:
        serial = adb_server.attach(virtual)
        yield AdbPhone(AdbServer(ServerAddress(port=adb_server.port)), serial)
        adb_server.unplug(virtual)


def test_files_go_there_and_come_back(old_phone: AdbPhone, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(bytes(range(256)) * 1000)

    push_file(old_phone, FileToPush(there, f"{FOLDER}/file"), LocalDigests(None))
    pull_file(old_phone, f"{FOLDER}/file", back)

    assert back.read_bytes() == there.read_bytes()


def test_a_run_tells_its_exit_code_and_all_that_it_printed(old_phone: AdbPhone) -> None:
    run = ClaimedRun(old_phone, f"{FOLDER}/runs/one")
    run.start("printf 'a\\nb\\r\\n\\377'; exit 3", about="me")
    result = run.wait(60.0)

    assert (result.exit_code, result.log) == (3, b"a\nb\r\n\xff")
    assert [found.name for found in find_runs(old_phone, f"{FOLDER}/runs")] == ["one"]


def test_a_folder_that_cannot_be_made_is_told_in_the_words_of_the_phone(
    old_phone: AdbPhone,
) -> None:
    old_phone.ask(f"mkdir -p {FOLDER}; touch {FOLDER}/file", 10)

    with pytest.raises(PhoneRefused, match=r"(?i)not a directory|file exists"):
        ClaimedRun(old_phone, f"{FOLDER}/file/run").start("true")


def test_its_state_is_read(old_phone: AdbPhone) -> None:
    state = read_state(old_phone)
    assert state.thermal.status == 0
    assert state.battery.level_percent is not None

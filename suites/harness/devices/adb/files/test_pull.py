"""Files from a phone: whole and verified, or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.devices.adb.files.pull import pull_file
from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.errors import PhoneRefused
from harness.virtual_phone.faults import Cut, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone

MIB = 1 << 20
REMOTE = "/data/local/tmp/outputs.txt"


@pytest.fixture
def content(virtual: VirtualPhone) -> bytes:
    data = random.Random(8550).randbytes(5 * MIB + 77)
    (virtual.root / REMOTE.removeprefix("/")).write_bytes(data)
    return data


def test_a_pulled_file_is_the_one_on_the_phone(
    phone: AdbPhone, content: bytes, tmp_path: Path
) -> None:
    pulled = pull_file(phone, REMOTE, tmp_path / "here")

    assert (tmp_path / "here").read_bytes() == content
    assert (pulled.size_bytes, pulled.drops) == (len(content), 0)


def test_a_cut_costs_a_second_try(
    phone: AdbPhone, virtual: VirtualPhone, content: bytes, tmp_path: Path
) -> None:
    virtual.set_faults(Faults(triggers=(CutTrigger(after_bytes_out=2 * MIB, cut=Cut()),)))

    assert pull_file(phone, REMOTE, tmp_path / "here").drops == 1
    assert (tmp_path / "here").read_bytes() == content


@pytest.mark.parametrize("missing", ["/data/local/tmp/none", "/data/local/tmp"])
def test_what_is_no_file_is_refused_and_leaves_nothing(
    phone: AdbPhone, tmp_path: Path, missing: str
) -> None:
    here = tmp_path / "target" / "here"
    here.parent.mkdir()

    with pytest.raises(PhoneRefused, match=missing):
        pull_file(phone, missing, here)

    assert list(here.parent.iterdir()) == []


def test_a_file_that_cannot_be_pulled_leaves_the_old_one(phone: AdbPhone, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("old")

    with pytest.raises(PhoneRefused):
        pull_file(phone, "/data/local/tmp/none", tmp_path / "here")

    assert (tmp_path / "here").read_text() == "old"

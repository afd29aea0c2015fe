"""Commands of a list of phones are run where the user named or owns it, or said yes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from harness.commands import doctor
from harness.commands.main import main
from harness.devices.phone.fleet import inventory as inventory_module
from harness.devices.phone.fleet.consent import Consent, is_own
from harness.devices.phone.fleet.inventory import Inventory, find_inventory
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.devices.phone.fleet.recovery import (
    NotRecovered,
    RecoveryLimits,
    run_recover_command,
)

LISTED = '[[phone]]\nserialno = "R5CT"\nname = "desk"\nrecover = "touch {}"\n'


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """What the command of the list makes."""
    return tmp_path / "ran"


@pytest.fixture
def found(tmp_path: Path, ran: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a list that nobody named, in no repository."""
    monkeypatch.setattr(inventory_module, "consent_path", lambda: tmp_path / "data" / "allowed")
    folder = tmp_path / "un packed"
    folder.mkdir()
    (folder / "phones.toml").write_text(LISTED.format(ran))
    return folder


def recover(phones: Inventory) -> None:
    (entry,) = phones.phone
    run_recover_command(entry, RecoveryLimits(command_s=20))


def refuse(question: str) -> bool:
    pytest.fail(f"asked: {question}")


def test_a_list_that_the_user_named_is_obeyed(found: Path, ran: Path) -> None:
    recover(find_inventory(found / "phones.toml", found, is_typed=True, ask=refuse))
    assert ran.exists()


def test_a_list_of_the_users_own_repository_is_obeyed(found: Path, ran: Path) -> None:
    (found / ".git").mkdir()
    recover(find_inventory(None, found, ask=refuse))
    assert ran.exists()


@pytest.mark.parametrize("is_named_by_a_file", [True, False])
def test_a_list_that_was_found_is_refused_where_nobody_can_be_asked(
    found: Path, ran: Path, is_named_by_a_file: bool
) -> None:
    named = found / "phones.toml" if is_named_by_a_file else None
    phones = find_inventory(named, found, ask=lambda question: False)
    with pytest.raises(NotRecovered, match=rf"'touch .*ran' of .*--phones '{found}/phones.toml'"):
        recover(phones)
    assert not ran.exists()
    assert phones.serialno_of("desk") == "R5CT"


def test_who_says_yes_is_asked_once_with_the_command(found: Path, ran: Path) -> None:
    asked: list[str] = []

    def say(yes: bool) -> Callable[[str], bool]:
        return lambda question: bool(asked.append(question)) or yes

    with pytest.raises(NotRecovered):
        recover(find_inventory(None, found, ask=say(False)))
    recover(find_inventory(None, found, ask=say(True)))
    assert ran.exists()
    assert len(asked) == 2
    assert f"touch {ran}" in asked[1]
    recover(find_inventory(None, found, ask=refuse))
    (found / "phones.toml").write_text(LISTED.format(f"{ran} {ran}2"))
    with pytest.raises(NotRecovered):
        recover(find_inventory(None, found, ask=say(False)))
    assert len(asked) == 3


def test_nobody_is_asked_about_a_list_without_commands(found: Path) -> None:
    (found / "phones.toml").write_text('[[phone]]\nserialno = "R5CT"\nname = "desk"\n')
    assert find_inventory(None, found, ask=refuse).serialno_of("desk") == "R5CT"


def test_no_list_decides_whether_it_is_refused(found: Path) -> None:
    text = (found / "phones.toml").read_text()
    (found / "phones.toml").write_text(f"{text}refusal = 'none'\n")
    with pytest.raises(Exception, match=r"phone\.0\.refusal.*line 5"):
        find_inventory(None, found, ask=refuse)


@pytest.mark.parametrize(("place", "mode"), [("phones.toml", 0o666), (".", 0o777), ("..", 0o777)])
def test_what_others_can_write_to_is_not_the_users_own(
    tmp_path: Path, place: str, mode: int
) -> None:
    folder = tmp_path / "repository" / "laboratory"
    folder.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    list_of_phones = folder / "phones.toml"
    list_of_phones.touch()
    assert is_own(list_of_phones)
    (folder / place).chmod(mode)
    assert not is_own(list_of_phones)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("place", ["phones.toml", ".", ".."])
def test_what_is_another_users_is_not_the_users_own(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "repository" / "laboratory"
    folder.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    (folder / "phones.toml").touch()
    os.chown(folder / place, 65534, 65534)
    assert not is_own(folder / "phones.toml")


def test_the_doctor_runs_no_command_of_a_list_that_the_user_owns_and_names(
    found: Path, ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found / ".git").mkdir()
    requests: list[PhoneRequest] = []

    def note(request: PhoneRequest, artifacts: Path) -> int:
        requests.append(request)
        return 0

    monkeypatch.setattr(doctor, "run_smoke", note)
    monkeypatch.chdir(found)
    for typed in ([], ["--phones", str(found / "phones.toml")]):
        assert main(["doctor", "--smoke", *typed]) == 0
        with pytest.raises(NotRecovered, match="doctor --smoke runs no recover command"):
            recover(requests.pop().inventory)
    assert not ran.exists()


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_a_memory_that_somebody_put_there_allows_nothing(tmp_path: Path, kind: str) -> None:
    memory = tmp_path / "allowed"
    if kind == "fifo":
        os.mkfifo(memory)
    elif kind == "link":
        memory.symlink_to("/etc/passwd")
    else:
        memory.mkdir()
    consent = Consent(memory, lambda question: False)
    assert "is not run" in str(consent.refusal(tmp_path / "phones.toml", ["reboot"]))


AT_A_TERMINAL = """
import sys
from pathlib import Path
from harness.devices.phone.fleet.consent import Consent, ask_on_terminal
consent = Consent(Path(sys.argv[1]), ask_on_terminal)
for _ in range(2):
    refusal = consent.refusal(Path("/x/phones.toml"), ["usb\\x1b[2J reset"])
    print("allowed" if refusal is None else "refused")
"""


@pytest.mark.parametrize(
    ("typed", "ends", "questions"),
    [
        (b"y\n", ["allowed", "allowed"], 1),
        (b"n\nno\n", ["refused", "refused"], 2),
        (b"\n\x04", ["refused", "refused"], 2),
    ],
    ids=["yes", "no", "nothing"],
)
def test_a_person_at_a_real_terminal_is_asked_until_there_is_a_yes(
    tmp_path: Path, typed: bytes, ends: list[str], questions: int
) -> None:
    terminal, theirs = os.openpty()
    command = [sys.executable, "-c", AT_A_TERMINAL, str(tmp_path / "allowed")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        os.write(terminal, typed)
        said = b""
        # Reading a terminal whose other end is closed fails.
        with suppress(OSError):
            while part := os.read(terminal, 4096):
                said += part
    os.close(terminal)
    text = said.decode()
    assert re.findall("allowed|refused", text) == ends
    assert text.count(r"wants to run 'usb\x1b[2J reset'. Allow that? [y/N]") == questions
    assert "\x1b" not in text

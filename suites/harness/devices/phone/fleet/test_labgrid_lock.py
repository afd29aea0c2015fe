"""Places of a real labgrid coordinator are held while phones are, and left alone when they are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.phone.fleet.claim_shell import Claimant
from harness.devices.phone.fleet.inventory import read_inventory
from harness.devices.phone.fleet.labgrid_lock import PlaceTaken, labgrid_lock
from harness.devices.phone.fleet.phone_claim import this_claimant
from harness.errors import UserError

US = Claimant("bench-1", "ci", "token")
PLACE = "shelf-3"


@pytest.fixture(scope="module")
def coordinator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a coordinator with one place."""
    program = shutil.which("labgrid-coordinator")
    if program is None:
        pytest.skip("labgrid is not on the path; type: pipx install labgrid")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("coordinator")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, "-l", address], cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            end_s = time.monotonic() + 30
            while client(address, "bob", "create").returncode != 0:
                assert time.monotonic() < end_s, (folder / "log").read_text()
            yield address
        finally:
            process.terminate()


def client(address: str, user: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What somebody types."""
    return subprocess.run(
        ["labgrid-client", "-x", address, "-p", PLACE, *words],
        env={**os.environ, "LG_USERNAME": user, "LG_HOSTNAME": "desk"},
        capture_output=True,
        text=True,
    )


def holder(address: str) -> str | None:
    """Who holds the place."""
    told = client(address, "bob", "show").stdout
    lines = (line.split(": ", 1) for line in told.splitlines() if "acquired: " in line)
    return next((words[1] for words in lines), None)


def test_a_place_is_held_for_as_long_as_the_phone(coordinator: str) -> None:
    with labgrid_lock(f"{coordinator}/{PLACE}", US):
        assert holder(coordinator) == "bench-1/snapgate-ci"
        refused = client(coordinator, "bob", "acquire", "--allow-unmatched")
        assert "already acquired by bench-1/snapgate-ci" in refused.stderr
    assert holder(coordinator) in (None, "None")


def test_a_place_that_somebody_took_by_hand_is_left_to_them(coordinator: str) -> None:
    client(coordinator, "bob", "acquire", "--allow-unmatched").check_returncode()
    try:
        with (
            pytest.raises(PlaceTaken, match=r"place shelf-3: .* already acquired by desk/bob"),
            labgrid_lock(f"{coordinator}/{PLACE}", US),
        ):
            pytest.fail("it was given away")
        assert holder(coordinator) == "desk/bob"
    finally:
        client(coordinator, "bob", "release").check_returncode()


def test_a_place_of_a_dead_session_is_taken_over_from_whichever_machine(coordinator: str) -> None:
    """Whoever asks holds the phone's claim, which a living session would have."""
    other = Claimant("bench-2", "ci", "token")
    lock = labgrid_lock(f"{coordinator}/{PLACE}", other)
    lock.__enter__()
    assert holder(coordinator) == "bench-2/snapgate-ci"
    with labgrid_lock(f"{coordinator}/{PLACE}", US):
        assert holder(coordinator) == "bench-1/snapgate-ci"
        # What was given up for dead takes nothing away when it ends at last.
        lock.__exit__(None, None, None)
        assert holder(coordinator) == "bench-1/snapgate-ci"
    assert holder(coordinator) in (None, "None")


@pytest.mark.parametrize(
    ("address", "told"),
    [("{}/attic", "attic matches nothing"), ("127.0.0.1:9/shelf-3", "connect to coordinator")],
)
def test_what_cannot_be_held_says_why(coordinator: str, address: str, told: str) -> None:
    with (
        pytest.raises(PlaceTaken, match=told),
        labgrid_lock(address.format(coordinator), US),
    ):
        pytest.fail("it was held")


def test_without_a_place_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    claimant = this_claimant(tmp_path)
    with labgrid_lock(None, claimant):
        pass
    with pytest.raises(UserError, match="no labgrid-client"), labgrid_lock("lab/shelf-3", claimant):
        pytest.fail("it was held")


def test_a_phone_names_its_place_in_the_inventory(tmp_path: Path) -> None:
    listed = tmp_path / "phones.toml"
    listed.write_text('[[phone]]\nserialno = "A"\nname = "a"\nlabgrid = "lab:20408/shelf-3"\n')
    entry = read_inventory(listed).entry("A")
    assert entry is not None
    assert entry.labgrid == "lab:20408/shelf-3"
    listed.write_text('[[phone]]\nserialno = "A"\nname = "a"\nlabgrid = "shelf-3"\n')
    with pytest.raises(UserError, match=r"phone.0.labgrid: .*line 4"):
        read_inventory(listed)

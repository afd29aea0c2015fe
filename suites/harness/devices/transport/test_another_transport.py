"""Another transport than adb is one module and one line: the rest of the phone path works on it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from harness.artifacts.artifact import Artifact, open_artifact
from harness.devices.adb import connection
from harness.devices.device import RunFailure
from harness.devices.phone.exclusive_use import held
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.devices.phone.health.gate import DeviceBlocked
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.preflight import find_ready_phones, only_one
from harness.devices.phone.set_up import open_phone
from harness.devices.transport.registry import GROUP, transport_of
from harness.doctor.phones import phone_diagnoses
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.runtime.request import Request, RunOptions
from suites.harness.devices.phone.stand_in_runner import ANSWER, write_stand_in
from suites.harness.devices.transport import local_phones
from suites.harness.fixtures.conftest import hollow_artifact

REGISTRATION = f"[{GROUP}]\nlocal = {local_phones.__name__}:find_phones\n"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with the transport; whoever asks an adb server meanwhile is found out."""
    about = tmp_path / "packages/local_phones-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: local_phones\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(REGISTRATION)
    monkeypatch.syspath_prepend(about.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def refuse(*_: object) -> NoReturn:
        pytest.fail("an adb server was asked")

    monkeypatch.setattr(connection.ServerConnection, "__init__", refuse)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A phone of that transport."""
    (tmp_path / "phone").mkdir()
    return tmp_path / "phone"


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    """A hollow one with the miniature's tokenizer, which the echo is measured with."""
    given = open_artifact(hollow_artifact(tmp_path / "artifact"))
    shutil.copy(checkpoint_path("tiny_smolvlm") / "tokenizer.json", given.tokenizer_path)
    return given


@pytest.fixture
def question(tmp_path: Path) -> Request:
    """One picture with one question."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    return Request(id="q", prompts=("<image>What is it?",), images=(str(tmp_path / "red.png"),))


@contextmanager
def session(home: Path, before: str = "") -> Iterator[PhoneDevice]:
    """What a session does with ``--serial local:FOLDER``, from the option to the device."""
    build = write_stand_in(home.parent / "build", before)
    ready = only_one(find_ready_phones(PhoneRequest(None, f"local:{home}", build_dir=build)))
    with (
        held(ready.found.phone, ready.found.serialno, home.parent / "leases") as claim,
        open_phone(ready, claim=claim) as device,
    ):
        yield device


OPTIONS = RunOptions(mode="kv", max_new_tokens=8)


def test_a_session_deploys_runs_and_reads_the_answer(
    home: Path, artifact: Artifact, question: Request
) -> None:
    with session(home) as device:
        (answer,) = device.run(artifact, [question], OPTIONS)
        assert (device.serial, device.soc, device.target) == (f"local:{home}", "SM8550", "phone")
    assert answer.last.text == ANSWER
    kept = {folder.name: list(folder.iterdir()) for folder in (home / "snapgate").iterdir()}
    assert kept["artifacts"]
    assert (kept["runs"], kept["claims"]) == ([], [])


def test_the_next_session_sends_nothing(home: Path, artifact: Artifact, question: Request) -> None:
    with session(home) as device:
        device.run(artifact, [question], OPTIONS)
    with session(home) as device:
        device.run(artifact, [question], OPTIONS)
        assert device.bytes_sent == 0


def test_a_run_that_fails_is_told_with_its_exit_code_and_can_be_repeated(
    home: Path, artifact: Artifact, question: Request
) -> None:
    with (
        session(home, "echo 'F 0 assert failed' >&2; exit 134") as device,
        pytest.raises(RunFailure, match="assert failed") as failed,
    ):
        device.run(artifact, [question], OPTIONS)
    assert failed.value.exit_code == 134
    again = subprocess.run(("sh", "-c", " ".join(failed.value.command)), capture_output=True)
    assert again.returncode == 134


def test_what_it_does_not_tell_blocks_a_measurement_and_not_a_run(home: Path) -> None:
    with (
        session(home) as device,
        pytest.raises(DeviceBlocked, match="does not tell its thermal status"),
        device.measuring(),
    ):
        pass


def test_a_phone_that_is_not_there_is_told_in_the_words_of_the_transport(home: Path) -> None:
    home.rmdir()
    with pytest.raises(UserError, match=f"local:{home} is no folder; make it"), session(home):
        pass


def test_the_doctor_looks_at_it_and_at_no_adb(home: Path) -> None:
    build = write_stand_in(home.parent / "build")
    phone, run = phone_diagnoses(PhoneRequest(None, f"local:{home}", build_dir=build))
    assert phone.value.startswith("SM8550 a folder (virtual), free")
    assert run.value == f"can start on local:{home} (a folder, SM8550)"
    home.rmdir()
    (absent,) = phone_diagnoses(PhoneRequest(None, f"local:{home}", build_dir=build))
    assert absent.blocks_run


@pytest.mark.parametrize("serial", ["R5CT10ABCDE", "192.0.2.7:5555", "virtual:SM8550"])
def test_serials_of_adb_name_no_other_transport(serial: str) -> None:
    assert transport_of(serial) is None

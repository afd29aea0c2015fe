"""``python -m harness doctor --smoke`` takes a miniature to a phone and back, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.commands.main import main
from harness.devices.adb.programs import adb_programs
from harness.devices.lease import LEASE_DIR_VARIABLE
from harness.doctor import smoke
from harness.virtual_phone.machine.virtual_build import write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from harness.vlm.registry import get_spec
from suites.harness.devices.phone.stand_in_runner import write_stand_in
from suites.harness.runtime.random_checkpoint import save_random_checkpoint


@pytest.fixture
def attached(
    tmp_path: Path, random_smolvlm: Artifact, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Options that name a virtual phone at a real adb server, and a cache that has the export."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    save_random_checkpoint(get_spec(smoke.MODEL), checkpoint)
    monkeypatch.setattr(smoke, "find_checkpoint", lambda spec, named: checkpoint)
    monkeypatch.setenv(LEASE_DIR_VARIABLE, str(tmp_path / "leases"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = next(program for program in adb_programs() if program.installed)
    with PrivateAdbServer(program.path) as server, VirtualPhone("SM8550", "SHELF-3") as phone:
        server.attach(phone)
        cache = random_smolvlm.directory.parents[1]
        host = f"127.0.0.1:{server.port}"
        yield ["--adb-host", host, "--serial", "SHELF-3", "--artifacts", str(cache)]


def test_every_step_is_told_with_its_time_and_the_answer_last(
    attached: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = write_virtual_build(tmp_path / "build")
    assert main(["doctor", "--smoke", *attached, "--build-dir", str(build)]) == 0
    *_, answer = told = capsys.readouterr().out.splitlines()
    steps = [line.split(": ")[0] for line in told if line.startswith("✓")]
    assert steps == [
        "✓ phone, runner and libraries found",
        "✓ phone leased",
        "✓ tools pushed",
        "✓ tiny_smolvlm exported",
        "✓ pushed and run",
        "✓ run again",
    ]
    assert answer.startswith("  SHELF-3 (SM8550) answered ")
    assert "0 drops" in answer


def test_a_virtual_phone_needs_nothing_but_its_name(
    attached: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--smoke", "--serial", "virtual:SM8550", *attached[-2:]]) == 0
    told = capsys.readouterr().out
    assert told.startswith("✓ virtual phone opened: ")
    assert "VIRTUAL-SM8550 (SM8550) answered " in told


def test_a_step_that_fails_is_named_with_the_reason(
    attached: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = write_stand_in(tmp_path / "build", before="echo no such library >&2; exit 7")
    assert main(["doctor", "--smoke", *attached, "--build-dir", str(build)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: Failed after ")
    assert "pushed and run: the runner ended with exit code 7" in told
    assert "no such library" in told


def test_a_phone_that_is_missing_is_one_sentence(
    attached: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    absent = [word.replace("SHELF-3", "SHELF-4") for word in attached]
    assert main(["doctor", "--smoke", *absent]) == 2
    assert "No phone has the serial 'SHELF-4', but there is SHELF-3" in capsys.readouterr().err

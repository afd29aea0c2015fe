"""A virtual phone behind a real adb server, opened with a stand-in for upstream's runner."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from harness.artifacts.artifact import Artifact, open_artifact
from harness.devices.adb.fleet.phone_claim import HeldClaim
from harness.devices.adb.fleet.recovery import Recovery
from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.programs import adb_programs
from harness.devices.adb.protocol.retrying import RetryLimits
from harness.devices.adb.protocol.server import AdbServer, ServerAddress
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.runner_build import find_build
from harness.devices.phone.set_up import PhoneKit, open_phone
from harness.miniatures.checkpoints import checkpoint_path
from harness.runtime.request import Request, RunOptions
from harness.targets.soc import get_soc
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.phone.stand_in_runner import write_stand_in
from suites.harness.fixtures.conftest import hollow_artifact

SHORT = RetryLimits(absence_s=3.0)
OPTIONS = RunOptions(mode="kv", max_new_tokens=8)
OpenDevice = Callable[..., PhoneDevice]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateAdbServer]:
    """A real adb server of its own."""
    program = next(program for program in adb_programs() if program.installed)
    with PrivateAdbServer(program.path) as running:
        yield running


@pytest.fixture
def phone(server: PrivateAdbServer) -> Iterator[VirtualPhone]:
    """A virtual phone at that server."""
    with VirtualPhone("SM8550") as running:
        server.attach(running)
        yield running
        server.unplug(running)


@pytest.fixture
def open_device(
    server: PrivateAdbServer, phone: VirtualPhone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenDevice]:
    """Opens the phone with a stand-in for upstream's runner."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ExitStack() as opened:

        def open_it(
            before: str = "",
            claim: HeldClaim | None = None,
            recovery: Recovery | None = None,
            **stand_in: str,
        ) -> PhoneDevice:
            build = find_build(write_stand_in(tmp_path / "build", before, **stand_in))
            kit = PhoneKit(get_soc("SM8550"), ("host",), build, libraries=None)
            adb = AdbPhone(AdbServer(ServerAddress(port=server.port)), phone.serial)
            return opened.enter_context(
                open_phone(
                    adb, phone.serialno, kit, retry_limits=SHORT, claim=claim, recovery=recovery
                )
            )

        yield open_it


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
    prompt = "<image>What is 'it'?"
    return Request(id="q", prompts=(prompt,), images=(str(tmp_path / "red.png"),))


def command_lines(phone: VirtualPhone) -> list[str]:
    return (phone.root / "data/local/tmp/command_lines").read_text().splitlines()

"""A virtual phone behind a real adb server, opened with a stand-in for upstream's runner."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from harness.artifacts.artifact import Artifact, open_artifact
from harness.devices.adb.discovery import find_phones
from harness.devices.adb.programs import adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.fleet.inventory import InventoryPhone
from harness.devices.phone.fleet.phone_claim import HeldClaim
from harness.devices.phone.fleet.phone_selection import ReadyPhone, choose_phones
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.runner.tools import find_build
from harness.devices.phone.set_up import open_phone
from harness.devices.transport.retrying import RetryLimits
from harness.miniatures.committed import checkpoint_path
from harness.runtime.request import Request, RunOptions
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
def plugged(server: PrivateAdbServer) -> Iterator[VirtualPhone]:
    """A phone at that server."""
    with VirtualPhone("SM8550") as running:
        server.attach(running)
        yield running
        server.unplug(running)


@pytest.fixture
def open_device(
    server: PrivateAdbServer,
    plugged: VirtualPhone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[OpenDevice]:
    """Opens the phone with a stand-in for upstream's runner."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ExitStack() as opened:

        def open_it(
            before: str = "",
            claim: HeldClaim | None = None,
            entry: InventoryPhone | None = None,
            **stand_in: str,
        ) -> PhoneDevice:
            there = find_phones([AdbServer(ServerAddress(port=server.port))])
            (found,) = choose_phones(there, None, plugged.serialno)
            found = replace(found, accepted_targets=("host",))
            build = find_build(write_stand_in(tmp_path / "build", before, **stand_in))
            ready = ReadyPhone(found, build, entry=entry)
            return opened.enter_context(open_phone(ready, retry_limits=SHORT, claim=claim))

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


def command_lines(plugged: VirtualPhone) -> list[str]:
    return (plugged.root / "data/local/tmp/command_lines").read_text().splitlines()

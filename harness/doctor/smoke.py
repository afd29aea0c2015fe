"""One miniature, all the way to a phone and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from harness.artifacts.artifact import Artifact
from harness.checkpoint_source import find_calibration, find_checkpoint
from harness.console import PlainConsole
from harness.devices.device import RunFailure
from harness.devices.lease import lease_folder
from harness.devices.phone.exclusive_use import held
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.preflight import find_ready_phones, only_one
from harness.devices.phone.runner.host_tools import find_host_tools
from harness.devices.phone.set_up import open_phone
from harness.devices.transport.errors import PhoneFailure
from harness.devices.virtual_session import is_virtual, open_virtual_phone
from harness.errors import UserError
from harness.export.exporter import export_artifact
from harness.export.recipe import default_recipe
from harness.export.request import ExportRequest
from harness.export.worker.process import ExportFailed
from harness.run_folder import run_folder
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.targets.registry import get_target
from harness.vlm.registry import get_spec

MODEL = "tiny_smolvlm"
_TOKENS = 16
_PIXELS = 64
_LEASE_WAIT_S = 10.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class StepTimer:
    """Tells each step with its time.

    Attributes:
        tell: Shows a line to whoever waits.
    """

    tell: Callable[[str], None]

    def step(self, name: str, action: Callable[[], Result]) -> Result:
        """Do one step.

        Raises:
            UserError: If it fails; the sentence names the step and how long it took.
        """
        began = time.monotonic()
        try:
            result = action()
        except (PhoneFailure, RunFailure, ExportFailed) as error:
            took = time.monotonic() - began
            raise UserError(f"Failed after {took:.1f} s, {name}: {error}") from error
        self.tell(f"✓ {name}: {time.monotonic() - began:.1f} s")
        return result


def run_smoke(request: PhoneRequest, artifacts: Path) -> int:
    """Export a miniature, push it, run it, and say what came back and how long each step took.

    Args:
        request: Which phone, and with what.
        artifacts: The artifact cache.

    Returns:
        0; whatever goes wrong is an error.

    Raises:
        UserError: If a step fails.
    """
    console = PlainConsole()
    watch = StepTimer(lambda line: console.print(line, soft_wrap=True))
    with _opened(request, watch) as device:
        artifact = watch.step(f"{MODEL} exported", lambda: _export(device, artifacts))
        sent = device.bytes_sent
        (first,) = watch.step("pushed and run", lambda: _ask(device, artifact))
        watch.tell(f"  {(device.bytes_sent - sent) / 1e6:.1f} MB pushed")
        (again,) = watch.step("run again", lambda: _ask(device, artifact))
        if first.last.token_ids != again.last.token_ids:
            raise UserError(
                f"The phone answered {first.last.text!r}, then {again.last.text!r}, to the same "
                "question; it or its runner is broken."
            )
        stats = again.last.stats
        watch.tell(
            f"  {device.serial} ({device.soc}) answered {again.last.text!r}: "
            f"{len(again.last.token_ids)} tokens, load {stats.load_ms:,.0f} ms, "
            f"first token {stats.ttft_ms:,.0f} ms, {device.drops:,} drops"
        )
    return 0


@contextmanager
def _opened(request: PhoneRequest, watch: StepTimer) -> Iterator[PhoneDevice]:
    if request.serial is not None and is_virtual(request.serial):
        brought = None
        if at := request.build_dir:
            brought = watch.step(
                "runner and libraries found", lambda: find_host_tools(at, request.qnn_dir)
            )
        opening = open_virtual_phone(request.serial, request.adb_program, brought)
        with _entered("virtual phone opened", opening, watch) as device:
            yield device
        return
    ready = watch.step(
        "phone, runner and libraries found", lambda: only_one(find_ready_phones(request))
    )
    found, place = ready.found, ready.entry.labgrid if ready.entry else None
    leasing = held(found.phone, found.serialno, lease_folder(), _LEASE_WAIT_S, place)
    with _entered("phone leased", leasing, watch) as claim:
        opening = open_phone(ready, claim=claim)
        with _entered("tools pushed", opening, watch) as device:
            yield device


@contextmanager
def _entered(
    name: str, opening: AbstractContextManager[Result], watch: StepTimer
) -> Iterator[Result]:
    """Enter as a step of its own; whatever fails later is no failure of it."""
    with ExitStack() as stack:
        yield watch.step(name, lambda: stack.enter_context(opening))


def _export(device: PhoneDevice, artifacts: Path) -> Artifact:
    # A virtual phone loads several targets' artifacts, those made in the least time last.
    target = get_target(device.accepted_targets[-1])
    spec, recipe = get_spec(MODEL), default_recipe(target)
    request = ExportRequest(
        spec,
        find_checkpoint(spec, None),
        recipe,
        target=target.name,
        soc=device.soc if target.backend.is_htp else None,
        calibration=find_calibration(spec, None) if recipe.takes_samples else None,
    )
    return export_artifact(request, artifacts, lambda component, stage: None).artifact


def _ask(device: PhoneDevice, artifact: Artifact) -> tuple[Generation, ...]:
    with run_folder() as folder:
        picture = folder / "red.png"
        Image.new("RGB", (_PIXELS, _PIXELS), "red").save(picture)
        asked = Request(id="smoke", prompts=("<image>What is this?",), images=(str(picture),))
        return device.run(artifact, [asked], RunOptions(mode="hybrid", max_new_tokens=_TOKENS))

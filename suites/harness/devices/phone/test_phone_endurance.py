"""Cuts, reboots and other users cost a phone no answer, and one that is gone says so at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.devices.phone import set_up as opening
from harness.devices.phone.fleet.claim_shell import ClaimAnswer
from harness.devices.phone.fleet.inventory import InventoryPhone
from harness.devices.phone.fleet.phone_claim import HeldClaim, PhoneClaimed
from harness.devices.phone.fleet.recovery import NotRecovered
from harness.devices.phone.health.state import read_state
from harness.devices.transport.errors import PhoneFailure
from harness.runtime.generation import Generation
from harness.runtime.request import Request
from harness.virtual_phone.faults import Cut, CutKind, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.phone.conftest import OPTIONS, SHORT, OpenDevice, command_lines

DAMAGE_ONCE = """\
[ -f /data/local/tmp/damaged ] || {
    : > /data/local/tmp/damaged
    printf X | dd conv=notrunc of=$(ls /data/local/tmp/snapgate/artifacts/*/tokenizer.json)
    sleep 4
}
"""
COLLECT = r"then s=\$\(wc -c"
"""Reading what a run wrote."""


def test_a_cut_costs_a_retry_and_is_counted(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device("sleep 1")
    cut = CutTrigger(on_command="exec .*qnn_multimodal_runner", delay_s=0.3, cut=Cut(how="rst"))
    plugged.set_faults(Faults(triggers=(cut,)))
    (answer,) = device.run(artifact, [question], OPTIONS)
    assert answer.last.text.startswith(" a red circle")
    assert len(command_lines(plugged)) == 1
    assert device.drops == 1


def test_a_reboot_costs_the_run_and_not_the_answer(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device("sleep 2")
    # Down for longer than between two looks at the run, so that one of them meets it.
    reboot = Cut(how="rst", reboot=True, down_s=1.5)
    trigger = CutTrigger(on_command="exec .*qnn_multimodal_runner", delay_s=0.7, cut=reboot)
    plugged.set_faults(Faults(triggers=(trigger,)))
    (answer,) = device.run(artifact, [question], OPTIONS)
    assert answer.last.text.startswith(" a red circle")
    assert len(command_lines(plugged)) == 2
    assert device.drops >= 1


def test_what_a_reboot_damages_is_brought_again(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    """A phone that goes down hard keeps the name and the size of a file, and not its content."""
    device = open_device(DAMAGE_ONCE)
    reboot = Cut(how="rst", reboot=True)
    trigger = CutTrigger(on_command="exec .*qnn_multimodal_runner", delay_s=1.5, cut=reboot)
    plugged.set_faults(Faults(triggers=(trigger,)))
    device.run(artifact, [question], OPTIONS)
    assert plugged.status().reboots == 1
    (there,) = (plugged.root / "data/local/tmp/snapgate/artifacts").glob("*/tokenizer.json")
    assert there.read_bytes() == artifact.tokenizer_path.read_bytes()


def test_what_a_reboot_takes_before_it_is_collected_is_run_again(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    """The run had ended well; what it wrote was not on the disk yet."""
    device = open_device()
    reboot = Cut(how="rst", reboot=True, down_s=1.5)
    plugged.set_faults(Faults(triggers=(CutTrigger(on_command=COLLECT, cut=reboot),)))
    lost = threading.Thread(target=lose_outputs, args=(plugged,))
    lost.start()
    (answer,) = device.run(artifact, [question], OPTIONS)
    lost.join()
    assert answer.last.text.startswith(" a red circle")
    assert len(command_lines(plugged)) == 2


def lose_outputs(plugged: VirtualPhone) -> None:
    """Remove what runs wrote as soon as the phone reboots."""
    ends = time.monotonic() + 60
    while plugged.status().reboots == 0:
        assert time.monotonic() < ends, "the phone never rebooted"
        time.sleep(0.02)
    for written in (plugged.root / "data/local/tmp/snapgate/runs").glob("*/outputs.txt"):
        written.unlink()


def test_a_reboot_while_the_runner_is_asked_what_it_is_costs_nothing(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    reboot = Cut(how="rst", reboot=True)
    trigger = CutTrigger(on_command="exec .*--help", delay_s=0.5, cut=reboot)
    plugged.set_faults(Faults(triggers=(trigger,)))
    device = open_device(before_help="sleep 1")
    assert plugged.status().reboots == 1
    assert len(device.run(artifact, [question], OPTIONS)) == 1


def test_a_cut_of_a_push_is_counted_too(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device()
    plugged.set_faults(Faults(triggers=(CutTrigger(after_bytes_in=3000, cut=Cut()),)))
    device.run(artifact, [question], OPTIONS)
    assert device.drops == 1


def test_a_push_waits_for_a_phone_as_long_as_a_run_does(
    open_device: OpenDevice, artifact: Artifact, question: Request, lose: Callable[[], None]
) -> None:
    device = open_device()
    lose()
    began = time.monotonic()
    with pytest.raises(PhoneFailure, match="away for"):
        device.run(artifact, [question], OPTIONS)
    assert time.monotonic() - began < 4 * SHORT.absence_s


@pytest.mark.parametrize("how", ["rst", "stall"])
def test_a_cut_while_the_phone_is_looked_at_costs_no_measurement(
    open_device: OpenDevice,
    plugged: VirtualPhone,
    how: CutKind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "read_state", partial(read_state, total_s=1.0))
    device = open_device()
    cut = CutTrigger(on_command="dumpsys thermalservice", cut=Cut(how=how))
    plugged.set_faults(Faults(triggers=(cut,)))
    with device.measuring() as around:
        plugged.set_faults(Faults(triggers=(cut,)))
    assert plugged.status().cuts == device.drops == 2
    assert around.before is not None
    assert around.after is not None


@pytest.fixture
def lose(plugged: VirtualPhone) -> Callable[[], None]:
    """Takes the phone off the network until somebody puts it back."""

    def take_off() -> None:
        plugged.set_faults(Faults(availability="refusing"))
        plugged.cut(Cut())

    return take_off


@pytest.fixture
def hub(plugged: VirtualPhone, tmp_path: Path) -> Iterator[InventoryPhone]:
    """A phone on a hub that its ``recover`` command switches off and on."""
    switched, over = tmp_path / "switched", threading.Event()

    def switch() -> None:
        while not over.wait(0.05):
            if switched.exists():
                plugged.set_faults(Faults())

    power = threading.Thread(target=switch)
    power.start()
    yield InventoryPhone(serialno=plugged.serialno, name="desk", recover=f"touch {switched}")
    over.set()
    power.join()


def test_a_phone_that_is_gone_is_brought_back_once(
    open_device: OpenDevice,
    artifact: Artifact,
    question: Request,
    lose: Callable[[], None],
    hub: InventoryPhone,
) -> None:
    device = open_device(entry=hub)
    device.run(artifact, [question], OPTIONS)
    lose()
    assert len(device.run(artifact, [question], OPTIONS)) == 1


def test_what_was_answered_before_a_phone_went_is_not_asked_again(
    open_device: OpenDevice,
    artifact: Artifact,
    question: Request,
    lose: Callable[[], None],
    hub: InventoryPhone,
) -> None:
    device, taken = open_device(entry=hub), list[str]()

    def take(answer: Generation) -> None:
        taken.append(answer.request_id)
        if len(taken) == 1:
            lose()

    asked = [question, question.model_copy(update={"id": "r"})]
    answers = device.run(artifact, asked, OPTIONS, take)
    assert [one.request_id for one in answers] == taken == ["q", "r"]


def test_a_phone_that_no_command_brings_back_says_what_was_tried(
    open_device: OpenDevice, artifact: Artifact, question: Request, lose: Callable[[], None]
) -> None:
    entry = InventoryPhone(serialno="A", name="desk", recover="sh -c 'echo no hub >&2; exit 3'")
    device = open_device(entry=entry)
    device.run(artifact, [question], OPTIONS)
    lose()
    with pytest.raises(NotRecovered, match=r"away for .* exit code 3: no hub"):
        device.run(artifact, [question], OPTIONS)


def test_no_run_begins_on_a_phone_that_another_machine_took(
    open_device: OpenDevice, artifact: Artifact, question: Request
) -> None:
    claim = HeldClaim("PHONE", left_behind=())
    device = open_device(claim=claim)
    claim.note(ClaimAnswer("bob on lab2", 3, ()))
    with pytest.raises(PhoneClaimed, match="in use by bob on lab2"):
        device.run(artifact, [question], OPTIONS)
    claim.note(ClaimAnswer(None, 0, ()))
    assert len(device.run(artifact, [question], OPTIONS)) == 1


def test_a_phone_that_is_gone_fails_at_once_from_then_on(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device()
    device.run(artifact, [question], OPTIONS)
    plugged.set_faults(Faults(availability="refusing"))
    plugged.cut(Cut())
    with pytest.raises(PhoneFailure) as gone:
        device.run(artifact, [question], OPTIONS)
    plugged.set_faults(Faults())
    with pytest.raises(PhoneFailure) as again:
        device.run(artifact, [question], OPTIONS)
    assert again.value is gone.value


def test_a_server_that_was_restarted_finds_the_phone_again(
    open_device: OpenDevice, server: PrivateAdbServer, artifact: Artifact, question: Request
) -> None:
    device = open_device()
    server.restart()
    assert len(device.run(artifact, [question], OPTIONS)) == 1

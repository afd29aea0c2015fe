"""A phone answers through cuts and reboots, and what goes wrong on it is told in words.

The adb server is real, the phone is virtual, and its runner is a script that behaves as upstream's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from harness.artifacts.artifact import Artifact, open_artifact
from harness.backends.qnn.soc import get_soc
from harness.devices.adb.client import AdbPhone
from harness.devices.adb.endurance import Endurance
from harness.devices.adb.errors import AdbFailure
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.device import RunFailure
from harness.devices.phone import phone_device
from harness.devices.phone.opening import PhoneKit, open_phone
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.runner_build import find_build
from harness.devices.virtual_phone.adb_programs import adb_programs
from harness.devices.virtual_phone.faults import Cut, CutTrigger, Faults
from harness.devices.virtual_phone.phone import VirtualPhone
from harness.devices.virtual_phone.private_server import PrivateAdbServer
from harness.errors import UserError
from harness.miniatures.checkpoints import checkpoint_path
from harness.runtime.request import Request, RunOptions
from suites.harness.devices.phone.stand_in_runner import GIVE_UP, write_stand_in
from suites.harness.fixtures.conftest import hollow_artifact

SHORT = Endurance(absence_s=3.0)
OPTIONS = RunOptions(mode="kv", max_new_tokens=8)
DAMAGE_ONCE = """\
[ -f /data/local/tmp/damaged ] || {
    : > /data/local/tmp/damaged
    printf X | dd conv=notrunc of=$(ls /data/local/tmp/snapgate/artifacts/*/tokenizer.json)
    sleep 4
}
"""
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

        def open_it(before: str = "", **stand_in: str) -> PhoneDevice:
            build = find_build(write_stand_in(tmp_path / "build", before, **stand_in))
            kit = PhoneKit(get_soc("SM8550"), ("host",), build, libraries=None)
            adb = AdbPhone(AdbServer(ServerAddress(port=server.port)), phone.serial)
            return opened.enter_context(open_phone(adb, phone.serialno, kit, endurance=SHORT))

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


def test_upstreams_runner_answers(
    open_device: OpenDevice, artifact: Artifact, question: Request
) -> None:
    device = open_device()
    (answer,) = device.run(artifact, [question], OPTIONS)
    assert answer.request_id == "q"
    assert answer.last.text == " a red circle<end_of_utterance>"
    assert answer.last.stats.decode_ms == 400.0
    assert answer.last.is_retokenized
    assert (device.target, device.soc, device.is_virtual) == ("phone", "SM8550", True)


def test_the_step_count_follows_the_runners_own_count_of_the_prompt(
    open_device: OpenDevice, phone: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    """The first process is the warm-up: it tells how long the prompt is to this runner."""
    device = open_device()
    answers = device.run(artifact, [question], RunOptions(max_new_tokens=8, warmup=1))
    assert len(answers) == 1
    first, second = command_lines(phone)
    assert "--seq_len 42 " in second
    assert first.partition("--seq_len")[0] == second.partition("--seq_len")[0]


def test_a_second_session_pushes_nothing(
    open_device: OpenDevice, artifact: Artifact, question: Request
) -> None:
    first = open_device()
    first.run(artifact, [question], OPTIONS)
    assert first.bytes_sent > 6000
    second = open_device()
    second.run(artifact, [question], OPTIONS)
    assert second.bytes_sent == 0


def test_nothing_of_a_run_is_left_on_the_phone(
    open_device: OpenDevice, phone: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    open_device().run(artifact, [question], OPTIONS)
    assert list((phone.root / "data/local/tmp/snapgate/runs").iterdir()) == []


def test_a_cut_costs_a_retry_and_is_counted(
    open_device: OpenDevice, phone: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device("sleep 1")
    cut = CutTrigger(on_command="exec .*qnn_multimodal_runner", delay_s=0.3, cut=Cut(how="rst"))
    phone.set_faults(Faults(triggers=(cut,)))
    (answer,) = device.run(artifact, [question], OPTIONS)
    assert answer.last.text.startswith(" a red circle")
    assert len(command_lines(phone)) == 1


def test_a_reboot_costs_the_run_and_not_the_answer(
    open_device: OpenDevice, phone: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device("sleep 2")
    reboot = Cut(how="rst", reboot=True)
    trigger = CutTrigger(on_command="exec .*qnn_multimodal_runner", delay_s=0.7, cut=reboot)
    phone.set_faults(Faults(triggers=(trigger,)))
    (answer,) = device.run(artifact, [question], OPTIONS)
    assert answer.last.text.startswith(" a red circle")
    assert len(command_lines(phone)) == 2
    assert device.drops >= 1


def test_what_a_reboot_damages_is_brought_again(
    open_device: OpenDevice, phone: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    """A phone that goes down hard keeps the name and the size of a file, and not its content."""
    device = open_device(DAMAGE_ONCE)
    reboot = Cut(how="rst", reboot=True)
    trigger = CutTrigger(on_command="exec .*qnn_multimodal_runner", delay_s=1.5, cut=reboot)
    phone.set_faults(Faults(triggers=(trigger,)))
    device.run(artifact, [question], OPTIONS)
    assert phone.status().reboots == 1
    (there,) = (phone.root / "data/local/tmp/snapgate/artifacts").glob("*/tokenizer.json")
    assert there.read_bytes() == artifact.tokenizer_path.read_bytes()


def test_a_reboot_while_the_runner_is_asked_what_it_is_costs_nothing(
    open_device: OpenDevice, phone: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    reboot = Cut(how="rst", reboot=True)
    trigger = CutTrigger(on_command="exec .*--help", delay_s=0.5, cut=reboot)
    phone.set_faults(Faults(triggers=(trigger,)))
    device = open_device(before_help="sleep 1")
    assert phone.status().reboots == 1
    assert len(device.run(artifact, [question], OPTIONS)) == 1


@pytest.mark.parametrize(
    ("before", "exit_code", "told"),
    [
        (GIVE_UP, 0, "it wrote no speed file, which it leaves out when it gives up"),
        ("echo 'F 0 assert failed' >&2; exit 134", 134, "it ended with exit code 134"),
        (
            "echo '[ERROR] [Qnn ExecuTorch]: QnnDsp <E> Failed to load skel, error: 4000' >&2; "
            "exit 134",
            134,
            "the HTP's own library, libQnnHtpV*Skel.so, was not found",
        ),
        ("kill -9 $$", 137, "it ended with exit code 137"),
    ],
)
def test_a_run_without_an_answer_says_why(
    open_device: OpenDevice,
    artifact: Artifact,
    question: Request,
    before: str,
    exit_code: int,
    told: str,
) -> None:
    device = open_device(before)
    with pytest.raises(RunFailure) as failed:
        device.run(artifact, [question], OPTIONS)
    assert failed.value.exit_code == exit_code
    assert told in str(failed.value)
    assert failed.value.command[:2] == ("adb", "-s")


def test_an_echo_alone_is_no_answer(
    open_device: OpenDevice, artifact: Artifact, question: Request
) -> None:
    with pytest.raises(RunFailure, match="holds the prompt and no answer behind it"):
        open_device(answer="").run(artifact, [question], OPTIONS)


def test_a_run_that_hangs_is_ended_and_told(
    open_device: OpenDevice,
    artifact: Artifact,
    question: Request,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(phone_device, "run_limit_s", lambda manifest: 3.0)
    with pytest.raises(RunFailure):
        open_device("sleep 600").run(artifact, [question], OPTIONS)


def test_a_phone_that_is_gone_fails_at_once_from_then_on(
    open_device: OpenDevice, phone: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device()
    device.run(artifact, [question], OPTIONS)
    phone.set_faults(Faults(availability="refusing"))
    phone.cut(Cut())
    with pytest.raises(AdbFailure) as gone:
        device.run(artifact, [question], OPTIONS)
    phone.set_faults(Faults())
    with pytest.raises(AdbFailure) as again:
        device.run(artifact, [question], OPTIONS)
    assert again.value is gone.value


def test_a_server_that_was_restarted_finds_the_phone_again(
    open_device: OpenDevice, server: PrivateAdbServer, artifact: Artifact, question: Request
) -> None:
    device = open_device()
    server.restart()
    assert len(device.run(artifact, [question], OPTIONS)) == 1


def test_what_would_answer_wrongly_is_not_even_pushed(
    open_device: OpenDevice, tmp_path: Path, question: Request
) -> None:
    device = open_device()
    sent = device.bytes_sent
    given = open_artifact(hollow_artifact(tmp_path / "apart", kv_encodings="requantized"))
    with pytest.raises(UserError, match="would answer wrongly"):
        device.run(given, [question], OPTIONS)
    assert device.bytes_sent == sent


def test_a_program_that_is_no_runner_is_told_when_the_phone_is_opened(
    open_device: OpenDevice,
) -> None:
    with pytest.raises(UserError, match="is no multimodal runner"):
        open_device(help="usage: other program")

"""A phone answers through cuts and reboots, and what goes wrong on it is told in words.

The adb server is real, the phone is virtual, and its runner is a script that behaves as upstream's.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.devices.device import RunFailure
from harness.devices.phone import phone_device
from harness.devices.transport.errors import NotEnoughSpace
from harness.errors import UserError
from harness.runtime.request import Request, RunOptions
from harness.virtual_phone.faults import CommandRule, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.phone.conftest import OPTIONS, OpenDevice, command_lines
from suites.harness.devices.phone.stand_in_runner import GIVE_UP
from suites.harness.fixtures.conftest import hollow_artifact


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
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    """The first process is the warm-up: it tells how long the prompt is to this runner."""
    device = open_device()
    answers = device.run(artifact, [question], RunOptions(max_new_tokens=8, warmup=1))
    assert len(answers) == 1
    first, second = command_lines(plugged)
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
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    open_device().run(artifact, [question], OPTIONS)
    assert list((plugged.root / "data/local/tmp/snapgate/runs").iterdir()) == []


@pytest.mark.parametrize(
    ("before", "exit_code", "told"),
    [
        (GIVE_UP, 0, "it wrote no speed file, which it leaves out when it gives up"),
        ("echo 'F 0 assert failed' >&2; exit 134", 134, "it ended with exit code 134"),
        (
            "echo 'F 00:00:00.216001 executorch:multimodal_runner.cpp:504] In function generate(), "
            "assert failed (a < b): sequence length exceeded' >&2; exit 134",
            134,
            "0 answers: sequence length exceeded (its check a < b failed); it ended with exit code",
        ),
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


def test_a_failed_run_can_be_repeated_by_hand(
    open_device: OpenDevice,
    server: PrivateAdbServer,
    plugged: VirtualPhone,
    artifact: Artifact,
    question: Request,
) -> None:
    """The command works as it is told, with another adb program, and finds its pictures."""
    device = open_device('[ -s "$(cat images.txt)" ] && echo "seen $prompt"; exit 7')
    with pytest.raises(RunFailure) as failed:
        device.run(artifact, [question], OPTIONS)
    adb, *rest = failed.value.command
    command = " ".join([shlex.quote(str(server.adb_program)), *rest])
    again = subprocess.run(("sh", "-c", command), capture_output=True, text=True, timeout=30)
    assert (again.returncode, adb) == (7, "adb")
    assert "seen <image>What is 'it'?" in again.stdout
    assert list((plugged.root / "data/local/tmp/snapgate/runs").iterdir()) == []


def test_a_phone_without_room_is_told_how_it_is_made_on_it(
    open_device: OpenDevice, plugged: VirtualPhone, artifact: Artifact, question: Request
) -> None:
    device = open_device()
    plugged.set_faults(Faults(available_bytes=5 << 20))
    room = f"-s {plugged.serial} shell rm -rf .*/snapgate/artifacts .*/snapgate/images$"
    with pytest.raises(NotEnoughSpace, match=room):
        device.run(artifact, [question], OPTIONS)
    plugged.set_faults(Faults())
    assert device.run(artifact, [question], OPTIONS)
    # Everything is there now, and what a run writes finds no room.
    plugged.set_faults(Faults(available_bytes=0))
    with pytest.raises(NotEnoughSpace, match="has 0 MiB free and 64 MiB are needed"):
        device.run(artifact, [question], OPTIONS)
    assert list((plugged.root / "data/local/tmp/snapgate/runs").iterdir()) == []


def test_an_echo_alone_is_no_answer(
    open_device: OpenDevice, artifact: Artifact, question: Request
) -> None:
    with pytest.raises(RunFailure, match="holds the prompt and no answer behind it"):
        open_device(answer="").run(artifact, [question], OPTIONS)


LOGGED = "11-20 12:00:00.000001  4321  4321 E [Qnn ExecuTorch]: QnnDsp <E> still waiting"


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("echo step 1; sleep 600", "had not ended after 3 s and was ended"),
        ("echo step 1; sleep 0.5; kill -9 -$(cut -d ' ' -f 1 process)", "is gone: it was killed"),
    ],
    ids=["hangs", "is killed"],
)
def test_a_run_that_does_not_end_by_itself_is_told_with_all_it_said(
    open_device: OpenDevice,
    plugged: VirtualPhone,
    artifact: Artifact,
    question: Request,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    told: str,
) -> None:
    """What it printed and what it logged are kept, and nothing of it stays on the phone."""
    monkeypatch.setattr(phone_device, "run_limit_s", lambda manifest: 3.0)
    device = open_device(before)
    plugged.set_faults(Faults(command_rules=(CommandRule(pattern="logcat -d", stdout=LOGGED),)))
    with pytest.raises(RunFailure, match=told) as failed:
        device.run(artifact, [question], OPTIONS)
    assert "step 1" in failed.value.kept["stdout and stderr"]
    assert "still waiting" in failed.value.log
    assert failed.value.kept["logcat"] == LOGGED
    assert list((plugged.root / "data/local/tmp/snapgate/runs").iterdir()) == []


def test_what_would_answer_wrongly_is_not_even_pushed(
    open_device: OpenDevice, tmp_path: Path, question: Request
) -> None:
    device = open_device()
    sent = device.bytes_sent
    given = open_artifact(hollow_artifact(tmp_path / "apart", kv_encodings="requantized"))
    with pytest.raises(UserError, match="no runner for phones takes both"):
        device.run(given, [question], OPTIONS)
    assert device.bytes_sent == sent


def test_a_program_that_is_no_runner_is_told_when_the_phone_is_opened(
    open_device: OpenDevice,
) -> None:
    with pytest.raises(UserError, match="is no multimodal runner"):
        open_device(help="usage: other program")

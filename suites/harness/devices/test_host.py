"""The host answers in order, and says what happened when it cannot."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from harness.artifacts.artifact import Artifact
from harness.devices.device import RunFailure
from harness.devices.host import HostDevice
from harness.runtime.request import Request, RunOptions

OPTIONS = RunOptions(mode="kv", max_new_tokens=3, ignore_eos=True)
QUESTIONS = [
    Request(id=f"question-{number}", prompts=("a " * number + "red circle",))
    for number in (5, 1, 3)
]

InsteadOfTheRunner = Callable[[str], Path]


@pytest.fixture
def instead_of_the_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InsteadOfTheRunner:
    """Lets a shell script run as the runner process; its pid appears in the file returned."""

    def install(script: str) -> Path:
        program, pid = tmp_path / "python", tmp_path / "pid"
        program.write_text(
            f"#!/bin/sh\necho $$ > '{pid}.part' && mv '{pid}.part' '{pid}'\n{script}"
        )
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        return pid

    return install


def wait_for(path: Path) -> int:
    while not path.exists():
        time.sleep(0.01)
    return int(path.read_text())


def test_answers_come_in_order_under_their_ids(random_smolvlm: Artifact, tmp_path: Path) -> None:
    picture = tmp_path / "picture of noise.png"
    Image.effect_noise((70, 50), 90).save(picture)
    seeing = Request(id="seeing", prompts=("<image>What is this?",), images=(str(picture),))
    asked = [*QUESTIONS, seeing]
    generations = HostDevice().run(random_smolvlm, asked, OPTIONS)
    assert [generation.request_id for generation in generations] == [one.id for one in asked]
    for generation in generations:
        assert len(generation.last.token_ids) == 1 + 3


def test_requests_do_not_see_each_other(random_smolvlm: Artifact) -> None:
    """Each is answered on an empty cache, as if it were alone."""
    together = HostDevice().run(random_smolvlm, QUESTIONS, OPTIONS)
    (alone,) = HostDevice().run(random_smolvlm, QUESTIONS[-1:], OPTIONS)
    assert together[-1].last.token_ids == alone.last.token_ids


def test_a_refused_request_keeps_the_answers_before_it(random_smolvlm: Artifact) -> None:
    too_long = Request(id="long", prompts=("red " * 300,))
    with pytest.raises(RunFailure) as failure:
        HostDevice().run(random_smolvlm, [QUESTIONS[0], too_long, QUESTIONS[1]], OPTIONS)
    assert failure.value.exit_code == 2
    assert [answer.request_id for answer in failure.value.answered] == [QUESTIONS[0].id]
    assert "'long'" in failure.value.log
    assert "--artifact" in failure.value.command


@pytest.mark.parametrize(
    ("script", "exit_code"),
    [("echo out of memory >&2; exit 3", 3), ("echo out of memory; kill -9 $$", -signal.SIGKILL)],
)
def test_a_crash_is_told_with_its_log(
    random_smolvlm: Artifact,
    instead_of_the_runner: InsteadOfTheRunner,
    script: str,
    exit_code: int,
) -> None:
    instead_of_the_runner(script)
    with pytest.raises(RunFailure) as failure:
        HostDevice().run(random_smolvlm, QUESTIONS, OPTIONS)
    assert (failure.value.exit_code, failure.value.answered) == (exit_code, ())
    sentence = str(failure.value)
    assert f"exit code {exit_code}" in sentence
    assert "out of memory" in sentence
    assert "-m harness.runtime" in sentence


def test_success_without_answers_is_a_failure(
    random_smolvlm: Artifact, instead_of_the_runner: InsteadOfTheRunner
) -> None:
    instead_of_the_runner("exit 0")
    with pytest.raises(RunFailure, match="exit code 0 after 0 answers: it printed nothing"):
        HostDevice().run(random_smolvlm, QUESTIONS, OPTIONS)


def test_an_overrun_is_ended(
    random_smolvlm: Artifact, instead_of_the_runner: InsteadOfTheRunner
) -> None:
    pid_file = instead_of_the_runner("exec sleep 600")
    with pytest.raises(RunFailure, match="ended after 2 s") as failure:
        HostDevice(timeout_s=2.0).run(random_smolvlm, QUESTIONS, OPTIONS)
    assert failure.value.exit_code == -signal.SIGKILL
    assert not psutil.pid_exists(wait_for(pid_file))


def test_ctrl_c_ends_the_runner_too(
    random_smolvlm: Artifact, instead_of_the_runner: InsteadOfTheRunner
) -> None:
    pid_file = instead_of_the_runner("trap '' INT; exec sleep 600")

    def press_ctrl_c() -> None:
        wait_for(pid_file)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press_ctrl_c, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        HostDevice().run(random_smolvlm, QUESTIONS, OPTIONS)
    assert not psutil.pid_exists(wait_for(pid_file))


def test_nothing_of_a_run_stays_behind(
    random_smolvlm: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    HostDevice().run(random_smolvlm, QUESTIONS[:1], OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_the_serial_names_this_machine_always_the_same() -> None:
    assert HostDevice().serial == HostDevice().serial
    assert (HostDevice().target, HostDevice().soc) == ("host", None)

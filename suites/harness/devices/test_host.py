"""The host answers in order, and says what happened when it cannot."""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from harness.artifacts.artifact import Artifact
from harness.devices import runner_process
from harness.devices.device import RunFailure
from harness.devices.host import HostDevice, machine_name, serial_of
from harness.results.rows.schema import HostInfo
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


def wait_for_model(parent: psutil.Process) -> psutil.Process:
    """The runner among a process's children, as soon as it has mapped a model."""
    while True:
        for child in parent.children():
            if any(file.path.endswith(".pte") for file in child.memory_maps()):
                return child
        time.sleep(0.05)


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
    assert "'long'" in failure.value.log.splitlines()[0]
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


def test_both_streams_are_kept_whole_beside_the_last_lines(
    random_smolvlm: Artifact, instead_of_the_runner: InsteadOfTheRunner
) -> None:
    instead_of_the_runner("seq 100; echo cannot load >&2; exit 1")
    with pytest.raises(RunFailure) as failure:
        HostDevice().run(random_smolvlm, QUESTIONS, OPTIONS)
    assert failure.value.kept["stdout"].splitlines() == [str(n) for n in range(1, 101)]
    assert failure.value.kept["stderr"] == "cannot load\n"
    assert failure.value.log.splitlines()[0] == "82"
    assert failure.value.log.splitlines()[-1] == "cannot load"


def test_a_runner_that_prints_without_end_is_ended_at_its_limit(
    random_smolvlm: Artifact, instead_of_the_runner: InsteadOfTheRunner
) -> None:
    instead_of_the_runner("echo begun; exec cat /dev/zero")
    start_s = time.monotonic()
    with pytest.raises(RunFailure, match="ended after") as failure:
        HostDevice(1.0, 0.0).run(random_smolvlm, QUESTIONS, OPTIONS)
    assert time.monotonic() - start_s < 10
    assert failure.value.kept["stdout"].startswith("begun\n")
    assert "bytes left out" in failure.value.kept["stdout"]
    assert len(failure.value.kept["stdout"]) < 2 << 20
    assert len(str(failure.value)) < 20_000


def test_a_runner_that_prints_too_much_is_ended_before_its_limit(
    random_smolvlm: Artifact,
    instead_of_the_runner: InsteadOfTheRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner_process, "PRINTED_BYTES_LIMIT", 1 << 20)
    instead_of_the_runner("head -c 3000000 /dev/zero; exec sleep 60")
    with pytest.raises(RunFailure, match="ended after it had printed more than 1 MiB"):
        HostDevice(60.0, 0.0).run(random_smolvlm, QUESTIONS, OPTIONS)


def test_success_without_answers_is_a_failure(
    random_smolvlm: Artifact, instead_of_the_runner: InsteadOfTheRunner
) -> None:
    instead_of_the_runner("exit 0")
    with pytest.raises(RunFailure, match="exit code 0 after 0 answers: it printed nothing"):
        HostDevice().run(random_smolvlm, QUESTIONS, OPTIONS)


def test_a_runner_that_overruns_the_time_of_its_requests_is_ended(
    random_smolvlm: Artifact, instead_of_the_runner: InsteadOfTheRunner
) -> None:
    pid_file = instead_of_the_runner("exec sleep 600")
    with pytest.raises(RunFailure, match="ended after 2 s") as failure:
        HostDevice(1.4, 0.2).run(random_smolvlm, QUESTIONS, OPTIONS)
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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_runner_ends_with_whoever_started_it(
    random_smolvlm: Artifact, number: signal.Signals
) -> None:
    code = f"""
from pathlib import Path
from harness.artifacts.artifact import open_artifact
from harness.devices.host import HostDevice
from harness.runtime.request import Request, RunOptions
options = RunOptions(warmup=1_000_000, ignore_eos=True)
artifact = open_artifact(Path({str(random_smolvlm.directory)!r}))
HostDevice().run(artifact, [Request(id="0", prompts=("red circle",))], options)
"""
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root) as parent:
        runner = wait_for_model(psutil.Process(parent.pid))
        parent.send_signal(number)
    runner.wait(timeout=20)


def test_requests_may_hold_any_character(
    random_smolvlm: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "POSIX")
    asked = Request(id="\u2028\x85", prompts=("red\u2028circle \U0001f426",))
    (generation,) = HostDevice().run(random_smolvlm, [asked], OPTIONS)
    assert generation.request_id == asked.id


def test_nothing_of_a_run_stays_behind(
    random_smolvlm: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    HostDevice().run(random_smolvlm, QUESTIONS[:1], OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_the_serial_names_this_machine_always_the_same() -> None:
    assert HostDevice().serial == HostDevice().serial
    assert re.fullmatch("host-[0-9a-f]{8}", HostDevice().serial)
    assert (HostDevice().target, HostDevice().soc) == ("host", None)


def test_the_serial_tells_processors_and_machines_apart() -> None:
    def host(cpu_model: str, cores: int) -> HostInfo:
        return HostInfo(cpu_model=cpu_model, cores=cores, memory_mib=1, os="Linux")

    serials = {
        serial_of(host(cpu_model, cores), machine)
        for cpu_model in ("Xeon", "Epyc")
        for cores in (2, 4)
        for machine in ("a", "b")
    }
    assert len(serials) == 8


def test_a_new_network_name_makes_no_new_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "node", lambda: "name-of-this-run")
    machine_id = tmp_path / "machine-id"
    assert machine_name(machine_id) == "name-of-this-run"
    machine_id.write_text("\n")
    assert machine_name(machine_id) == "name-of-this-run"
    machine_id.write_text("0123456789abcdef\n")
    assert machine_name(machine_id) == "0123456789abcdef"

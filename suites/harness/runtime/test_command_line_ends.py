"""``python -m harness.runtime`` where something is wrong, or somebody ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.runtime.cli import main
from suites.harness.runtime.asking import FIXED, ask, written

pytestmark = pytest.mark.usefixtures("working_directory")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--tempreature=1"], "There is no flag --tempreature; did you mean temperature?"),
        (["--seq_len=abc"], "--seq_len cannot be 'abc'"),
        (["--image=nowhere.png"], "Image nowhere.png does not exist"),
        (["--eval_mode=2"], "Lookahead (--eval_mode 2) does not run on /"),
    ],
)
def test_a_mistake_is_exactly_one_line_and_exit_code_2(
    artifact: Artifact,
    pictures: tuple[str, str],
    flags: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(ask(artifact, pictures[0], *flags)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"error: {sentence}")
    assert written() == set()


def test_an_error_during_the_run_touches_no_file(
    artifact: Artifact, pictures: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("outputs.txt").write_text("of an earlier run")
    flags = ["--eval_mode=0", "--dump_logits_path=all.raw", "--prompt", "word " * 300]
    assert main(ask(artifact, pictures[0], *flags)) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: The prompt takes")
    assert written() == {"outputs.txt"}
    assert Path("outputs.txt").read_text() == "of an earlier run"


def test_a_raw_image_of_the_wrong_size_is_refused(
    artifact: Artifact, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("image.raw").write_bytes(bytes(100))
    assert main(ask(artifact, "image.raw")) == 2
    assert "error: image.raw has 100 bytes" in capsys.readouterr().err.splitlines()[-1]
    assert written() == {"image.raw"}


@pytest.mark.parametrize("flag", ["output_path", "performance_output_path", "dump_logits_path"])
def test_a_full_disk_is_one_sentence(
    artifact: Artifact, pictures: tuple[str, str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ask(artifact, pictures[0], "--eval_mode=0", f"--{flag}=/dev/full", *FIXED)
    assert main(flags) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: /dev/full cannot be written (No space left on device)")


def test_a_full_disk_under_generations_is_one_sentence(
    artifact: Artifact, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("requests.jsonl").write_text(json.dumps({"id": "a", "prompts": ["Hello"]}))
    flags = [f"--artifact={artifact.directory}", "--requests=requests.jsonl", *FIXED]
    assert main([*flags, "--generations_path=/dev/full"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: /dev/full cannot be written (No space left on device)")


def test_a_device_takes_output_and_stays_a_device(
    artifact: Artifact, pictures: tuple[str, str]
) -> None:
    flags = ["--output_path=/dev/null", "--performance_output_path=/dev/null"]
    assert main(ask(artifact, pictures[0], *flags, *FIXED)) == 0
    assert Path("/dev/null").is_char_device()
    assert written() == set()


@pytest.mark.parametrize("package", ["torch", "executorch"])
def test_a_missing_package_is_one_sentence(
    artifact: Artifact,
    pictures: tuple[str, str],
    package: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert main(ask(artifact, pictures[0])) == 2
    assert capsys.readouterr().err == (
        f"error: Running on this machine needs {package}; install it with: "
        f"pip install 'snapgate[host]'\n"
    )


def test_a_reader_that_goes_away_is_no_error(artifact: Artifact, pictures: tuple[str, str]) -> None:
    """Standard input is closed as well, which only --exit_with_parent minds."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "harness.runtime", *ask(artifact, pictures[0], "--json", *FIXED)],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    os.close(writing)
    assert ended.returncode == 141
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr


def test_help_exits_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == main(["-h"]) == 0
    assert "--artifact" in capsys.readouterr().out


def test_ctrl_c_ends_a_run_quietly(artifact: Artifact, pictures: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "harness.runtime"]
    endless = ask(artifact, pictures[0], "--warmup=100000", "--ignore_eos", "--output_path=o.txt")
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        [*command, *endless],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith("creating io_memory"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait() == 130
    assert "Traceback" not in rest
    assert written() == set()

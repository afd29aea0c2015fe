"""The emulator is told its libraries and waits as long as it needs."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import ComponentFile
from harness.devices.device import RunFailure
from harness.devices.emulator import EmulatorDevice, EmulatorPlace
from harness.devices.place import PlaceRequest
from harness.devices.runner_process import TimeLimits, option_flags
from harness.errors import UserError
from harness.runtime.flag_syntax import parse_flags
from harness.runtime.request import Request, RunOptions
from harness.targets.emulator import EMULATOR
from harness.vlm.mode import LookaheadShape
from suites.harness.fixtures.conftest import hollow_artifact

REQUEST = Request(id="0", prompts=("red circle",))


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    """An artifact whose programs nobody runs here."""
    from harness.artifacts.artifact import open_artifact

    return open_artifact(hollow_artifact(tmp_path / "artifact"))


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets the command line of the process that runs instead of Python."""
    program, arguments = tmp_path / "python", tmp_path / "arguments"
    program.write_text(f"#!/bin/sh\necho \"$@\" > '{arguments}'\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return arguments


def test_it_is_known_by_its_soc() -> None:
    device = EmulatorDevice("SM8750")
    assert (device.target, device.soc, device.serial) == ("emulator", "SM8750", "emulator-SM8750")


def test_one_without_a_soc_of_its_own_asks_for_it() -> None:
    other = replace(EMULATOR, name="simulator", default_soc=None)
    asked = PlaceRequest(other, {"soc": None, "qnn_dir": None})
    with pytest.raises(UserError, match="--target simulator is for one SoC; name it with --soc"):
        EmulatorPlace.choose(asked)


@pytest.mark.parametrize("qnn_dir", [None, "my qnn"])
def test_the_runner_is_told_soc_and_libraries(
    artifact: Artifact, told: Path, tmp_path: Path, qnn_dir: str | None
) -> None:
    folder = None if qnn_dir is None else tmp_path / qnn_dir
    with pytest.raises(RunFailure) as failure:
        EmulatorDevice("SM8650", folder).run(artifact, [REQUEST], RunOptions())
    assert failure.value.exit_code == 3
    assert "--soc SM8650" in told.read_text()
    assert ("--qnn_dir" in told.read_text()) == (folder is not None)
    assert folder is None or shlex.quote(str(folder)) in failure.value.command


def test_a_hung_run_ends_with_its_time(artifact: Artifact, told: Path) -> None:
    Path(sys.executable).write_text("#!/bin/sh\nexec sleep 600\n")
    with pytest.raises(RunFailure, match="ended after 1 s"):
        EmulatorDevice("SM8650", limits=TimeLimits(0.5, 0.5)).run(artifact, [REQUEST], RunOptions())


@pytest.mark.parametrize(
    ("precision", "pass_s"),
    [("16a8w", EMULATOR.limits.pass_s), ("fp16", EMULATOR.limits.fp16_pass_s)],
)
def test_fp16_is_given_more_time(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch, precision: str, pass_s: float
) -> None:
    """Time for one pass per token of the context."""
    given: list[TimeLimits] = []

    def answer(*arguments: object) -> tuple[()]:
        given.extend(one for one in arguments if isinstance(one, TimeLimits))
        return ()

    def in_precision(entry: ComponentFile) -> ComponentFile:
        return entry.model_copy(update={"precision": precision})

    monkeypatch.setattr("harness.devices.emulator.answer_requests", answer)
    components = tuple(map(in_precision, artifact.manifest.components))
    manifest = artifact.manifest.model_copy(update={"components": components})
    EmulatorDevice("SM8650").run(Artifact(artifact.directory, manifest), [REQUEST], RunOptions())
    (limits,) = given
    assert limits.request_s == manifest.context_length * pass_s


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(),
        RunOptions(mode="kv", max_new_tokens=0, ignore_eos=True, warmup=2, seed=7),
        RunOptions(temperature=0.5, top_p=0.8, seq_len=99, upstream_compat=True),
        RunOptions(requantization=False, record_margins=True),
        RunOptions(mode="lookahead", lookahead=LookaheadShape(8, 5, 8)),
    ],
)
def test_every_option_reaches_the_runner(options: RunOptions) -> None:
    """As flags that the runner reads the same values from."""
    flags = parse_flags(option_flags(options))
    for name in RunOptions.model_fields:
        if name in ("mode", "lookahead"):
            continue
        assert getattr(flags, name) == getattr(options, name), name
    assert flags.eval_mode == {"kv": 0, "hybrid": 1, "lookahead": 2}[options.mode]
    if options.lookahead is not None:
        assert (flags.window, flags.ngram, flags.gcap) == (8, 5, 8)

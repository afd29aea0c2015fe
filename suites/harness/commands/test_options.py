"""``python -m harness options`` says what holds and who said it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.main import main
from harness.options.option import COMMANDS, Command
from harness.options.table import options_of


@pytest.fixture(autouse=True)
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, object]]:
    """Values and sources by name."""
    assert main(["options", "--json", *words]) == 0
    found: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_each_value_is_shown_with_its_source(
    laboratory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (laboratory / "snapgate.toml").write_text('results = "runs"\ncooldown = 0')
    (laboratory / "pyproject.toml").write_text("[tool.snapgate]\nbuild_missing = true")
    monkeypatch.setenv("ANDROID_SERIAL", "R5CT")
    found = told(capsys)
    assert found["results"] == {
        "value": str(laboratory / "runs"),
        "source": str(laboratory / "snapgate.toml"),
    }
    assert found["build_missing"]["source"] == str(laboratory / "pyproject.toml")
    assert found["serial"] == {"value": "R5CT", "source": "ANDROID_SERIAL"}
    assert found["pairs"] == {"value": 20, "source": "default"}
    main(["options"])
    lines = [" ".join(line.split("│")).split() for line in capsys.readouterr().out.splitlines()]
    assert ["cooldown", "0", str(laboratory / "snapgate.toml")] in lines
    assert ["build_missing", "on", str(laboratory / "pyproject.toml")] in lines
    assert ["serial", "R5CT", "ANDROID_SERIAL"] in lines
    assert ["update_thresholds", "off", "default"] in lines


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_all_that_it_takes(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, command).keys() == options_of(command).keys()


def test_a_mistake_in_a_file_is_one_sentence_and_exit_code_2(
    laboratory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (laboratory / "snapgate.toml").write_text('resuls = "runs"')
    assert main(["options"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {laboratory / 'snapgate.toml'} sets 'resuls'")
    assert "did you mean results?" in line

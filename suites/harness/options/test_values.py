"""Every value knows where it came from, and the nearest to the person who types goes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.options.adb_environment import adb_variables
from harness.options.values import Values, resolve

VARIABLES = {"ADB_SERVER_SOCKET": "tcp:lab3:5038", "ANDROID_SERIAL": "R5CT"}


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a laboratory's file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapgate.toml").write_text('soc = "SM8550"\nserial = "R5CU"\nruns = 10\n')
    return tmp_path


def test_the_command_line_goes_before_the_file_and_the_file_before_the_default(
    laboratory: Path,
) -> None:
    values = resolve("suites", {"soc": "SM8650", "runs": None})
    told = {name: (values[name], str(values.source(name))) for name in ("soc", "runs", "pairs")}
    assert told == {
        "soc": ("SM8650", "command line"),
        "runs": (10, str(laboratory / "snapgate.toml")),
        "pairs": (20, "default"),
    }
    assert values.typed() == {"soc": "SM8650"}
    assert values.given() == {"soc": "SM8650", "serial": "R5CU", "runs": 10}


def test_adbs_variables_hold_where_neither_command_line_nor_file_says_anything(
    laboratory: Path,
) -> None:
    values = resolve("suites", {}).over_environment(adb_variables(VARIABLES))
    assert (values["adb_host"], str(values.source("adb_host"))) == (
        ["lab3:5038"],
        "ADB_SERVER_SOCKET",
    )
    assert values["serial"] == "R5CU"


def test_what_a_command_does_not_take_is_not_used_there(laboratory: Path) -> None:
    assert dict(resolve("noise", {})).keys() == {"results", "csv"}


def test_the_same_word_of_another_command_is_another_option(laboratory: Path) -> None:
    """A laboratory's SoC is no filter of its results, nor its modes those of one export."""
    (laboratory / "snapgate.toml").write_text('soc = "SM8550"\nmode = ["kv"]\nmodel = ["x"]')
    results = resolve("results", {})
    assert results["only_soc"] is None
    assert results["only_model"] is None
    assert resolve("export", {})["file_mode"] == "hybrid"


def test_what_does_not_matter_is_forgotten_unless_somebody_typed_it(laboratory: Path) -> None:
    def left(values: Values) -> object:
        return values.unless_typed("soc")["soc"]

    assert left(resolve("suites", {})) is None
    assert left(resolve("suites", {"soc": "SM8650"})) == "SM8650"


def test_defaults_of_a_session_begin_at_its_root(tmp_path: Path) -> None:
    assert resolve("suites", {}, tmp_path, tmp_path)["thresholds"] == tmp_path / "thresholds"
    assert resolve("reports", {})["report_dir"] == Path("reports/out")

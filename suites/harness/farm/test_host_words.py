"""What a host was told of itself, each of its jobs is told."""

from __future__ import annotations

from pathlib import Path

from fixtures.settings.options import OF_A_HOST
from harness.farm.host_words import host_words
from harness.options.option import Source, SourcedValue
from harness.options.table import options_of
from harness.options.values import resolve


def test_what_was_said_of_a_host_is_said_to_its_jobs(tmp_path: Path) -> None:
    (tmp_path / "snapgate.toml").write_text('build_dir = "build"\nphones = "phones.toml"\n')
    typed = {"artifacts": Path("/cäche"), "qnn_dir": Path("/qnn"), "keep_gib": 7}
    values = resolve("farm", typed, tmp_path, tmp_path)
    variable = SourcedValue(["127.0.0.1:5038"], Source("environment", "ANDROID_ADB_SERVER_PORT"))
    words = host_words(values.over_environment({"adb_host": variable}))
    assert words.export == ("--qnn-dir", "/qnn", "--artifacts", "/cäche")
    assert words.session == (
        *("--adb-host", "127.0.0.1:5038", "--build-dir", str(tmp_path / "build")),
        *("--phones", str(tmp_path / "phones.toml"), "--qnn-dir", "/qnn"),
        *("--artifacts", "/cäche"),
    )


def test_a_host_of_which_nothing_was_said_tells_its_cache_alone(tmp_path: Path) -> None:
    values = resolve("farm", {}, tmp_path, tmp_path)
    assert host_words(values).session == ("--artifacts", str(values["artifacts"]))


def test_no_session_says_for_a_host_what_that_says_itself() -> None:
    of_worker = {name for name in options_of("farm") if name in options_of("suites")}
    assert of_worker <= OF_A_HOST

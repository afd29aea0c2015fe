"""What was typed at a host's worker, each of its jobs is told that it matters to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.settings.options import OF_A_HOST
from harness.farm.host_words import host_words
from harness.farm.job import Job
from harness.options.table import options_of
from harness.options.values import resolve

CACHE = ("--artifacts", "/cäche")
PHONES = ("--adb-host", "127.0.0.1:5038", "--build-dir", "/build", "--phones", "/phones.toml")
QNN = ("--qnn-dir", "/qnn")


@pytest.fixture
def typed() -> dict[str, Any]:
    return {
        "artifacts": Path("/cäche"),
        "adb_host": ["127.0.0.1:5038"],
        "build_dir": Path("/build"),
        "phones": Path("/phones.toml"),
        "qnn_dir": Path("/qnn"),
        "keep_gib": 7,
    }


@pytest.mark.parametrize(
    ("kind", "target", "serialno", "words"),
    [
        ("session", "phone", "P0", (*PHONES, *QNN, *CACHE)),
        ("session", "phone", None, CACHE),  # a virtual one
        ("session", "emulator", None, (*QNN, *CACHE)),
        ("session", "host", None, CACHE),
        ("export", "phone", None, (*QNN, *CACHE)),
        ("export", "host", None, CACHE),
    ],
)
def test_a_job_is_told_what_matters_to_it(
    typed: dict[str, Any], tmp_path: Path, kind: Any, target: Any, serialno: str | None, words: Any
) -> None:
    """Words that do not matter would be refused, as those of somebody who typed them."""
    job = Job(kind=kind, commit="c", model="m", mode="kv", precision="fp32", target=target)
    values = resolve("farm", typed, tmp_path, tmp_path)
    assert host_words(values, tmp_path).of(job, serialno) == words


def test_what_files_say_they_say_to_each_job_themselves(tmp_path: Path) -> None:
    """Typed, commands of a list that is somebody else's would be run unasked."""
    (tmp_path / "snapgate.toml").write_text('build_dir = "build"\nphones = "phones.toml"\n')
    values = resolve("farm", {"artifacts": Path("/cäche")}, tmp_path, tmp_path)
    job = Job(kind="session", commit="c", model="m", mode="kv", precision="f", target="phone")
    assert host_words(values, tmp_path).of(job, "P0") == CACHE
    # A clone elsewhere does not read that file; what its list of phones would run is asked for.
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    build = ("--build-dir", str(tmp_path / "build"))
    assert host_words(values, clone).of(job, "P0") == (*build, *CACHE)


def test_no_session_says_for_a_host_what_that_says_itself() -> None:
    of_worker = {name for name in options_of("farm") if name in options_of("suites")}
    assert of_worker <= OF_A_HOST

"""A Python that lacks what a command needs is told what, and what installs it; no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import installation
from harness.errors import UserError, require_packages
from harness.installation import (
    check_packages,
    check_python,
    missing_packages,
    requirements,
)

ROOT = Path(__file__).parents[2]
COMMANDS = (
    ["harness", "doctor"],
    ["harness", "export", "--help"],
    ["harness.runtime", "--help"],
    ["harness.virtual_phone", "--help"],
    ["reports"],
    ["training", "--help"],
)


def run(*words: str, path: Path = ROOT, bare: bool = False) -> subprocess.CompletedProcess[str]:
    """``python -m WORDS``; where it is bare, without any installed package."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (path, ROOT)))}
    flags = ["-S"] if bare else []
    command = [sys.executable, *flags, "-m", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_python_with_nothing_installed_is_told_all_that_is_missing(words: list[str]) -> None:
    ended = run(*words, bare=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    for extra in ("", "host", "suites"):
        assert [name for name in requirements(extra) if name not in ended.stderr] == []
    assert "pip install -e '.[host,suites]'" in ended.stderr


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("raise OSError('libtorch.so: cannot open shared object file')", "OSError: libtorch.so"),
        ("raise ImportError('undefined symbol: _ZN3c10')", "ImportError: undefined symbol"),
        ("raise RuntimeError('compiled for another CPU')", "RuntimeError: compiled for another"),
    ],
)
def test_a_package_that_cannot_be_imported_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, reason: str
) -> None:
    (tmp_path / "broken_package.py").write_text(statement)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=f"Exporting needs broken_package, .*{reason}"):
        require_packages(["broken_package"], "Exporting")


def test_a_command_whose_package_is_broken_ends_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "jinja2.py").write_text("raise OSError('libfoo.so: cannot open')")
    ended = run("reports", path=tmp_path)
    assert ended.returncode == 2
    assert "cannot import a package (libfoo.so: cannot open)" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_python_that_is_too_old_is_told_before_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installation.sys, "version_info", (3, 9, 2))
    with pytest.raises(UserError, match=r"needs Python 3.11 or 3.12 and .* is 3.9.2; .*-m venv"):
        check_python()


def test_a_python_that_is_too_new_is_told_so_where_pip_could_not_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installation.sys, "version_info", (3, 13, 0))
    check_python()
    check_packages("")
    monkeypatch.setattr(installation, "missing_packages", lambda extra: ("numpy",))
    with pytest.raises(UserError, match=r"needs Python 3.11 or 3.12 and .* is 3.13.0"):
        check_packages("")


def test_nothing_is_missing_here() -> None:
    assert missing_packages("") == ()


def test_outside_of_a_clone_the_installed_package_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = ["numpy<3,>=2", 'torch==2.13.0; extra == "host"', 'x>1; sys_platform != "z"']
    monkeypatch.setattr(installation, "_CLONE", tmp_path)
    monkeypatch.setattr(installation.importlib.metadata, "requires", lambda name: lines)
    assert requirements("") == {"numpy": "numpy<3,>=2", "x": "x>1"}
    assert requirements("host") == {"torch": "torch==2.13.0"}
    assert installation.pip_command("host").endswith("pip install 'snapgate[host]'")

"""No folder, root or missing word changes what a command means, and nobody else is disturbed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytest_plugins = ["pytester"]

PLUGIN = ["-p", "snapgate_pytest", "-p", "no:cacheprovider"]
"""Named here for environments whose installation is older than the entry point."""

NO_ARTIFACT = "holds neither manifest.json nor a vision encoder"
"""What a session says that looked at the folder it was given."""

FOREIGN = """
def pytest_addoption(parser):
    for name in ("--model", "--target", "--serial", "--runs"):
        parser.addoption(name)
"""


@pytest.fixture
def given(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder beside which nothing of ours lies."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "200")
    return pytester.mkdir("given")


def run(pytester: pytest.Pytester, *arguments: str | Path) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*PLUGIN, *arguments)


@pytest.mark.parametrize("folder", [".", "docs", "suites"])
def test_a_folder_of_an_option_is_no_place_to_collect(
    pytester: pytest.Pytester, given: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(ROOT / folder)
    result = run(pytester, "-m", "size", "--pre-gen-pte", given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert NO_ARTIFACT in result.stderr.str()


@pytest.mark.parametrize(
    "named",
    [
        (ROOT, "--pre-gen-pte", "given"),
        ("--pre-gen-pte", "given", ROOT / "suites" / "size"),
        ("-c", ROOT / "pyproject.toml", "--pre-gen-pte", "given"),
    ],
)
def test_the_clone_may_be_named_from_anywhere(
    pytester: pytest.Pytester, given: Path, named: tuple[str | Path, ...]
) -> None:
    result = run(pytester, "-m", "size", *named)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert NO_ARTIFACT in result.stderr.str()


def test_an_option_without_suites_says_what_to_type(pytester: pytest.Pytester, given: Path) -> None:
    result = run(pytester, "-m", "perf", "--pre-gen-pte", given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    [line] = filter(None, result.errlines)
    assert "--pre-gen-pte is an option of Snapgate's suites, and none are in" in line
    assert f"type: pytest {shlex.quote(str(ROOT / 'suites'))}" in line


def test_another_root_is_refused(pytester: pytest.Pytester, given: Path) -> None:
    result = run(pytester, ROOT, "--rootdir", given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "leave --rootdir out" in result.stderr.str()


def test_another_project_keeps_its_options(pytester: pytest.Pytester, given: Path) -> None:
    (given / "conftest.py").write_text(FOREIGN)
    (given / "test_it.py").write_text(
        "import sys\n"
        "def test_it(pytestconfig):\n"
        "    assert pytestconfig.getoption('model') == 'theirs'\n"
        "    assert not any(name.partition('.')[0] == 'harness' for name in sys.modules)\n"
    )
    result = run(pytester, given, "--model", "theirs", "--serial", "5")
    result.assert_outcomes(passed=1)


def test_a_mistake_on_the_command_line_leaves_no_earlier_report(
    pytester: pytest.Pytester, given: Path
) -> None:
    page = given / "index.html"
    page.write_text('<meta name="generator" content="snapgate">')
    (given / "junit.xml").touch()
    result = run(pytester, ROOT / "suites/size", "--report-dir", given, "--target", "hots")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert re.search("did not start: argument --target: invalid choice: .*hots", page.read_text())
    assert list(given.iterdir()) == [page]


def test_installed_environments_load_it_by_the_name_it_is_imported_by() -> None:
    """So that naming it with ``-p`` as well does not load it twice."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["pytest11"] == {"snapgate_pytest": "snapgate_pytest"}
    assert project["tool"]["setuptools"]["py-modules"] == ["snapgate_pytest"]


@pytest.mark.parametrize("streams", [">/dev/full", ">&- 2>&-"])
def test_a_session_needs_nobody_to_read_what_it_prints(streams: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m pytest {shlex.join(PLUGIN)} --co -m size {streams}"
    ended = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")

"""What a shell does to a program's streams ends it as unix tools end, never with a traceback."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parents[1]
PROGRAMS = (
    "harness",
    "harness.runtime",
    "harness.virtual_phone",
    "reports",
    "training",
    "benchmarks.simulate",
)
INTERNAL = {
    "harness/backends/qnn/probe.py",
    "harness/export/worker/__main__.py",
    "benchmarks/interop/upstream_exporter.py",
}
"""Processes that we start ourselves, and whose streams are ours."""

TALKS = """
import sys
from harness.program import run_program
from harness.errors import UserError
from rich.console import Console

def main():
    print("zażółć \\u2713 \\udc80")
    Console().print("✓" * 200_000)
    print("gęś", file=sys.stderr)
    sys.stdin.read()
    return 7

run_program(main)
"""
FULL = "error: Standard output cannot be written (No space left on device); send it elsewhere.\n"


def shell(program: str, streams: str, variables: str = "") -> subprocess.CompletedProcess[str]:
    root, python = shlex.quote(str(ROOT)), shlex.quote(sys.executable)
    command = f"{variables} PYTHONPATH={root} {python} {program} {streams}"
    return subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        cwd=ROOT,
        errors="replace",
        text=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program that writes to both streams, more than a buffer holds, and ends with 7."""
    path = tmp_path_factory.mktemp("program") / "talker.py"
    path.write_text(TALKS, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("streams", "status", "told"),
    [
        (">/dev/null", 7, "gęś\n"),
        (">&-", 7, "gęś\n"),
        (">&- 2>&-", 7, ""),
        (">/dev/null 2>&-", 7, ""),
        (">/dev/null 2>/dev/full", 7, ""),
        (">/dev/null <&-", 7, "gęś\n"),
        (">&- 2>&- <&-", 7, ""),
        (">/dev/full", 2, FULL),
        (">/dev/full 2>&1", 2, ""),
        ("| true", 141, ""),
        ("| head -c 1 >/dev/null", 141, ""),
        ("2>&1 | true", 141, ""),
    ],
)
def test_lost_streams_end_a_program_as_they_end_other_tools(
    talker: str, streams: str, status: int, told: str
) -> None:
    ended = shell(talker, streams)
    assert (ended.returncode, ended.stderr) == (status, told)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_an_encoding_lacks_is_written_as_its_escape(talker: str, encoding: str) -> None:
    ended = shell(talker, "", f"PYTHONIOENCODING={encoding} TERM= LC_ALL=C")
    assert ended.returncode == 7
    assert "Traceback" not in ended.stderr
    assert "\\udc80" in ended.stdout
    assert ("\\u2713" in ended.stdout) == (encoding != "utf-8")


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_says_in_a_sentence_that_a_device_is_full(program: str) -> None:
    ended = shell(f"-m {program} --help", ">/dev/full")
    assert (ended.returncode, ended.stderr) == (2, FULL)


def test_a_program_does_not_repeat_what_libraries_say_about_themselves() -> None:
    ended = shell("-m training evaluate nothing", "")
    assert ended.stderr.startswith("nothing is no ") or ended.stderr.startswith("There is no")
    assert ended.returncode == 2


def test_every_program_begins_by_guarding_its_streams() -> None:
    rooms = ("harness", "reports", "training", "benchmarks")
    files = (path for room in rooms for path in (ROOT / room).rglob("*.py"))
    begun = {
        str(path.relative_to(ROOT)): text.split('if __name__ == "__main__":')[1]
        for path in files
        if 'if __name__ == "__main__":' in (text := path.read_text(encoding="utf-8"))
    }
    unguarded = {name for name, body in begun.items() if not re.match(r"\s+run_program\(", body)}
    assert unguarded == INTERNAL

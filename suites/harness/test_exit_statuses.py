"""What a session or a command ends with is documented as it is (design §9)."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from harness import program
from harness.measure.exit_status import ENDINGS, EXIT_STATUS, worst_status

ROOT = Path(__file__).parents[2]
SECTION = (
    (ROOT / "docs" / "design.md").read_text().partition("## 9. Verdicts")[2].partition("\n## ")[0]
)
EVERY = {0, program.USER_ERROR, program.INTERRUPTED, program.CLOSED_PIPE}
"""What every program of ours may end with."""

SOURCES = {
    "python -m harness": ("harness/commands/*.py", "harness/doctor/*.py"),
    "python -m harness.runtime": ("harness/runtime/cli.py",),
    "python -m reports": ("reports/command_line.py",),
    "python -m training": ("training/command_line.py",),
    "python -m benchmarks.interop": ("benchmarks/interop/__main__.py",),
    "python -m benchmarks.htp_fidelity": ("benchmarks/htp_fidelity.py",),
    "python -m benchmarks.engines": ("benchmarks/engines/__main__.py",),
    "python -m benchmarks.dead_models": ("benchmarks/dead_models/__main__.py",),
}
"""Files of a command whose functions return its exit status."""


def documented(command: str) -> set[int]:
    """What the table says of a command; nothing of one that ends as every other does."""
    rows = re.findall(rf"^\| {re.escape(command)} \| (.+) \|$", SECTION, re.MULTILINE)
    return {int(number) for row in rows for number in re.findall(r"\b\d+\b", row)}


def returned(file: Path) -> set[int]:
    """Numbers that functions of a file return as an ``int``, by their names, too."""
    tree = ast.parse(file.read_text())
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and isinstance(node.returns, ast.Name)
        and node.returns.id == "int"
        and node.name.removeprefix("_").startswith(("main", "run", "show"))
    ]
    values = [
        node.value
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    parts = [part for value in values for part in _choices(value)]
    found = {part.value for part in parts if isinstance(part, ast.Constant)}
    found |= {named.get(part.id) for part in parts if isinstance(part, ast.Name)}
    return {status for status in found if type(status) is int}


def _choices(value: ast.expr) -> list[ast.expr]:
    """What an expression may be: either branch of one with two."""
    if isinstance(value, ast.IfExp):
        return [*_choices(value.body), *_choices(value.orelse)]
    return [value]


def test_every_status_of_a_session_is_in_the_table() -> None:
    told = [int(number) for number in re.findall(r"^\| (\d+) \|", SECTION, re.MULTILINE)]
    assert sorted(told) == sorted(ENDINGS)
    assert set(map(int, pytest.ExitCode)) | set(EXIT_STATUS.values()) <= set(told)


def test_the_table_is_in_the_order_in_which_sessions_speak_for_a_run() -> None:
    told = [int(number) for number in re.findall(r"^\| (\d+) \|", SECTION, re.MULTILINE)]
    judged = [status for status in told if status not in (0, 2, 3, 4)]
    for worse, better in pairwise(judged):
        assert worst_status([better, worse]) == worse


def test_what_every_program_ends_with_is_documented() -> None:
    assert documented("every `python -m` of ours") == EVERY


@pytest.mark.parametrize("command", SOURCES)
def test_what_a_command_ends_with_beside_that_is_documented(command: str) -> None:
    files = [file for pattern in SOURCES[command] for file in ROOT.glob(pattern)]
    found = {status for file in files for status in returned(file)}
    assert found
    assert documented(f"`{command}`") == found - EVERY

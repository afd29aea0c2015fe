"""Commands of the documents name options that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from harness.options.option import Command
from harness.options.table import options_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "reports" / "README.md"},
    key=lambda file: file.as_posix(),
)
TYPED = re.compile(r"(?:^ {4}|`)(pytest|python -m harness) ([^`#\n]*)", re.MULTILINE)
PYTEST_OWN = frozenset({"--help"})


def documented(document: Path) -> list[tuple[str, str]]:
    """Commands with their words, those of pytest as the command ``suites``."""
    text = document.read_text(encoding="utf-8")
    typed = [(program, words.strip()) for program, words in TYPED.findall(text)]
    return [
        ("suites", words)
        if program == "pytest"
        else (words.partition(" ")[0], words.partition(" ")[2])
        for program, words in typed
        if words
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_documented_options_exist(document: Path) -> None:
    for command, words in documented(document):
        assert command in get_args(Command), words
        flags = {option.flag for option in options_of(command).values()} | PYTEST_OWN
        named = {word.partition("=")[0] for word in words.split() if word.startswith("--")}
        assert named <= flags, f"{command}: {words}"


def test_the_readme_shows_commands_of_every_kind() -> None:
    told = {command for command, _ in documented(ROOT / "README.md")}
    assert told >= {"suites", "export", "results", "compare", "doctor", "options"}

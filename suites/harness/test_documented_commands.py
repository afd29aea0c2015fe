"""Commands of the documents that start the suites."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from harness.options.table import options_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "reports" / "README.md"]
COMMAND = re.compile(r"(?:^    |`)(?:python -m )?(pytest [^`#\n]*)", re.MULTILINE)
NAMES_A_FOLDER = {
    option.flag("suites") for option in options_of("suites").values() if option.type is Path
} | {"--compare"}
IN_THE_CLONE = {"results", "report", "KEY"}
"""Values that are no folder outside of the clone."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_folder_is_not_taken_for_the_root_of_the_suites(document: Path) -> None:
    # Before pytest knows an option, it takes the folder behind it for the root of its settings.
    for command in COMMAND.findall(document.read_text(encoding="utf-8")):
        words = command.split()
        for flag, value in pairwise(words):
            if flag in NAMES_A_FOLDER and value not in IN_THE_CLONE:
                assert words[1] == "suites", command

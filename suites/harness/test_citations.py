"""Every citation names a page of ``docs/`` and a heading that stands there.

A citation is ``contract §4.1``: the page's name and the heading's number. A page cites its own
headings by the number alone. Links of Markdown name files and anchors that exist.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path for path in (ROOT / "docs").glob("*.md")}
ROOMS = (
    ".github",
    "benchmarks",
    "docs",
    "fixtures",
    "harness",
    "reports",
    "suites",
    "thresholds",
    "training",
)
KINDS = {".j2", ".js", ".md", ".py", ".toml", ".yml"}

HEADING = re.compile(r"^#+ (?P<number>\d+(?:\.\d+)*)?\.? ?(?P<title>.*)$", re.MULTILINE)
SECTION = r"§(?:\d+(?:\.\d+)*)?"
CITATION = re.compile(rf"(?:(?P<page>[A-Za-z]+) )?{SECTION}(?:(?:, | and | to ){SECTION})*")
LINK = re.compile(r"\]\((?!https?:)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
PATH = re.compile(rf"`((?:{'|'.join(map(re.escape, ROOMS))})/[\w./*<>-]+)`")
MADE = ("reports/out",)
"""What the product writes beside its sources, and a clone does not have."""
CLASS = re.compile(r"`((?:[A-Z][a-z]+){2,})`")
OF_OTHERS = {"AdbError", "AdbTimeout", "ExecuTorch", "PyTorchObserver"}
"""Classes and words of other projects."""
MODULE = re.compile(r"\b(?:benchmarks|fixtures|harness|reports|training)(?:\.[A-Za-z_]\w*)+")
FILE_OF_DOCS = re.compile(r"\bdocs/[\w./-]*\w\.(?:md|png)\b")


def sources() -> Iterator[Path]:
    """All files that cite."""
    yield from (path for path in ROOT.iterdir() if path.suffix in KINDS)
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            if path.suffix in KINDS and ROOT / "reports" / "out" not in path.parents:
                yield path


def documents() -> Iterator[Path]:
    """All Markdown files."""
    yield from (path for path in sources() if path.suffix == ".md")


def headings(page: str) -> list[str]:
    """Numbers of a page's headings, in their order."""
    return [found["number"] for found in HEADING.finditer(page) if found["number"]]


def anchors(page: str) -> set[str]:
    """Anchors as GitHub makes them of headings: a repeated one gets a number."""
    seen: Counter[str] = Counter()
    found = set()
    for line in re.findall(r"^#+ (.*)$", page, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def dangling(text: str, own_page: str | None = None) -> list[str]:
    """Citations in a text that lead nowhere.

    Args:
        text: Of a source file or a page.
        own_page: Name of the page that it is, None for a source file.
    """
    # A citation may be wrapped, in a comment as well.
    flat = re.sub(r"\s*\n[\s#]*", " ", text) if own_page is None else re.sub(r"\s+", " ", text)
    wrong = []
    for found in CITATION.finditer(flat):
        page = found["page"].lower() if found["page"] else own_page
        known = headings(PAGES[page].read_text()) if page in PAGES else []
        numbers = [section.removeprefix("§") for section in re.findall(SECTION, found[0])]
        if not set(numbers) <= set(known):
            wrong.append(found[0])
    return wrong


def broken_links(path: Path, text: str) -> list[str]:
    """Links of a Markdown file whose file or anchor does not exist."""
    wrong = []
    for found in LINK.finditer(text):
        target = path.parent / found["file"] if found["file"] else path
        if not target.exists() or (
            found["anchor"] and found["anchor"] not in anchors(target.read_text())
        ):
            wrong.append(found[0].removeprefix("]"))
    return wrong


def test_every_citation_leads_to_a_heading() -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): found
        for path in sources()
        if (found := dangling(path.read_text(), path.stem if path in PAGES.values() else None))
        and path != Path(__file__)
    }
    assert wrong == {}


def test_every_page_that_a_source_names_exists() -> None:
    named = {(path, name) for path in sources() for name in FILE_OF_DOCS.findall(path.read_text())}
    assert {(path, name) for path, name in named if not (ROOT / name).is_file()} == set()


def test_every_path_that_a_document_names_exists() -> None:
    named = {(path, name) for path in documents() for name in PATH.findall(path.read_text())}
    missing = {
        (path.relative_to(ROOT).as_posix(), name)
        for path, name in named
        if not name.startswith(MADE) and not any(ROOT.glob(re.sub("<.*?>", "*", name).rstrip("/")))
    }
    assert missing == set()


def is_there(dotted: str) -> bool:
    """Whether a module or package of ours has that name, or the module holds what it ends with."""
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = path.parent.with_suffix(".py")
    return module.is_file() and bool(
        re.search(rf"^(?:def |class )?{path.name}\b", module.read_text(), re.MULTILINE)
    )


def test_every_module_that_a_document_names_exists() -> None:
    named = {(path, name) for path in documents() for name in MODULE.findall(path.read_text())}
    assert named
    assert {(path, name) for path, name in named if not is_there(name)} == set()


@pytest.mark.parametrize("name", ["reports.nowhere", "harness.errors.NoError", "harness.no.where"])
def test_a_made_up_module_is_found(name: str) -> None:
    assert not is_there(name)


def test_every_class_that_a_document_names_exists() -> None:
    sources_of_ours = (path.read_text() for path in sources() if path.suffix == ".py")
    known = {name for text in sources_of_ours for name in re.findall(r"^class (\w+)", text, re.M)}
    named = {name for path in documents() for name in CLASS.findall(path.read_text())}
    assert named - OF_OTHERS - known == set()


def test_every_link_of_the_documents_leads_somewhere() -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): found
        for path in documents()
        if (found := broken_links(path, path.read_text()))
    }
    assert wrong == {}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_headings_of_a_page_are_numbered_in_order(page: str) -> None:
    numbers = [tuple(map(int, number.split("."))) for number in headings(PAGES[page].read_text())]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    "text",
    [
        "Prompt strings (contract §4.99).",
        "Prompt strings (contracts §4.1).",
        "Prompt strings (contract §4.1, §4.99).",
        "Prompt strings (contract §4.1 and §99).",
        "Prompt strings, wrapped (contract\n    §4.99).",
        "    # In a comment (contract\n    # §4.99).",
        "Which page is this (§4.1)?",
        "A section sign without a number (contract §).",
    ],
)
def test_a_made_up_citation_is_found(text: str) -> None:
    assert len(dangling(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Prompt strings (contract §4.1).",
        "Contract §4.1 and §4.2 say so, and statistics §2.3.",
        "Wrapped (contract §4.1,\n    §4.2, design §9).",
        "    # In a comment (contract\n    # §4.1 to §4.4).",
    ],
)
def test_a_real_citation_is_followed(text: str) -> None:
    assert dangling(text) == []


def test_a_page_cites_itself_by_number() -> None:
    assert dangling("As below (§2.3), not as far below (§99).", own_page="statistics") == ["§99"]


@pytest.mark.parametrize("target", ["nowhere.md", "contract.md#99-nothing", "#nothing"])
def test_a_broken_link_is_found(target: str) -> None:
    assert broken_links(PAGES["contract"], f"[a page]({target})") == [f"({target})"]

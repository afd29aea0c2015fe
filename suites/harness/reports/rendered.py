"""A report's page before its script runs, and what the script is given."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from harness.results.run import Run
from reports.findings import find_findings
from reports.page import render_page
from reports.past import read_past
from reports.trends import find_trends

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """Tags with attributes, the text outside of style and script, and the data in JSON."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._in_data = False
        self._data: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self._in_data = attributes.get("id") == "data"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._in_data = False

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self._data.append(data)
        elif self._open and self._open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    @property
    def data(self) -> dict[str, Any]:
        """What the script shows: ``verdicts``, ``trends``, ``answers``, ``tests``, ..."""
        data: dict[str, Any] = json.loads("".join(self._data))
        return data

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def html_of(directory: Path, since: datetime | None = None) -> str:
    run = Run.read(directory)
    past = read_past(run, since)
    trends = find_trends(past)
    return render_page(run, past, trends, find_findings(run, past, trends), directory / "report")


def page_of(directory: Path, since: datetime | None = None) -> Page:
    return Page(html_of(directory, since))

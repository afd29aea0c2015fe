"""The page shows everything, safely, and needs nothing but itself."""

from __future__ import annotations

import base64
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.results.journal import THUMBNAIL_FOLDER, Journal
from harness.results.rows import OutcomeRow, SessionEndRow
from reports.page import render_page
from reports.run import Run
from suites.harness.reports.small_run import (
    BROKEN_TEST,
    LOAD_TEST,
    PROPOSED_GATE,
    RUN_ID,
    SPEED_TEST,
    answer_row,
    session_row,
    verdict_rows,
)

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """What a browser would see: tags with attributes, and the text outside style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def page_of(directory: Path) -> Page:
    return Page(render_page(Run.read(directory)))


def test_the_headline_says_what_failed(finished_run: Path) -> None:
    text = page_of(finished_run).text
    assert "FAIL 1 of 2 verdicts fails: decode_tps of tiny_smolvlm kv." in text
    assert "1 test failed without a verdict: test_killed_runner[tiny_smolvlm]." in text


def test_the_page_says_what_was_run(finished_run: Path) -> None:
    text = page_of(finished_run).text
    assert RUN_ID in text
    assert "pytest -m 'perf or accuracy' --target host" in text
    assert "0123456789ab-dirty" in text
    assert "torch 2.13.0" in text
    assert "builder-03" in text


def test_each_verdict_shows_number_interval_gate_and_evidence(finished_run: Path) -> None:
    text = page_of(finished_run).text
    for row in verdict_rows():
        assert row.sentence.partition("\n")[0].rstrip(":") in text
    assert "96.5 token/s 95 to 97.5 5 runs ≥ 100 3.5 % outside" in text
    assert "https://example.org/measurement" in text


def test_every_sample_is_a_dot_and_invalid_ones_differ(finished_run: Path) -> None:
    dots = [
        attributes["class"] for tag, attributes in page_of(finished_run).tags if tag == "circle"
    ]
    assert Counter(dots) == {"dot": 6, "dot invalid": 1}
    assert "121 tokens generated, 128 asked for" in page_of(finished_run).text


def test_failures_come_with_the_command_that_runs_them_alone(finished_run: Path) -> None:
    text = page_of(finished_run).text
    for test_id in (SPEED_TEST, BROKEN_TEST):
        assert f"pytest '{test_id}' --target host" in text
    assert "96.5 is below 100" in text
    assert "AssertionError: left behind" in text
    assert "\x1b[31m" not in text


def test_a_metric_without_gate_shows_the_row_to_add(finished_run: Path) -> None:
    page = page_of(finished_run)
    assert re.sub(r"\s+", " ", PROPOSED_GATE.strip()) in page.text
    assert "thresholds/tiny_smolvlm.toml" in page.text
    assert LOAD_TEST in page.text


def test_answers_stand_beside_the_expected_one_with_differences_marked(finished_run: Path) -> None:
    page = page_of(finished_run)
    assert "<image>What colour is the circle?" in page.text
    assert "expected red" in page.text
    assert "<script>alert('blue')</script>" in page.text
    assert page.count("mark") > 0
    assert page.values("data-wrong").count("yes") == 1


def test_what_a_model_answers_cannot_become_markup(finished_run: Path) -> None:
    page = page_of(finished_run)
    assert page.count("script") == 1
    assert page.count("image") == 2


def test_accuracy_is_broken_down_by_kind_of_question(finished_run: Path) -> None:
    text = page_of(finished_run).text
    assert "Configuration Image All colour count Same as float" in text
    assert "kv · 8da4w · host real 100.0 2/2 100.0 1/1 100.0 1/1" in text
    assert "kv · 8da4w · host blank 0.0 0/1" in text
    assert "hybrid · 8da4w · host real 0.0 0/1" in text


def test_an_image_is_embedded_once_however_often_it_is_shown(finished_run: Path) -> None:
    page = page_of(finished_run)
    embedded = [value for value in page.values("href") if value.startswith("data:image/jpeg")]
    stored = sorted((finished_run / THUMBNAIL_FOLDER).iterdir())
    contents = {base64.b64decode(value.partition(",")[2]) for value in embedded}
    assert contents == {file.read_bytes() for file in stored}
    assert len(embedded) == len(stored)
    uses = [attributes["href"] for tag, attributes in page.tags if tag == "use"]
    assert len(uses) > len(set(uses))


def test_nothing_is_loaded_from_elsewhere(finished_run: Path) -> None:
    html = render_page(Run.read(finished_run))
    page = Page(html)
    for attribute in ("href", "src", "srcset", "action", "poster", "xlink:href"):
        assert all(value.startswith(("#", "data:")) for value in page.values(attribute))
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", html)


def test_links_inside_the_page_lead_somewhere(finished_run: Path) -> None:
    page = page_of(finished_run)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = {value[1:] for value in page.values("href") if value.startswith("#")}
    assert targets <= set(ids)


def test_a_link_to_a_verdict_is_the_same_every_night(finished_run: Path, tmp_path: Path) -> None:
    first = [value for value in page_of(finished_run).values("id") if "verdict-" in value]
    with Journal(tmp_path / "tomorrow", "main") as journal:
        for row in verdict_rows():
            changed = row.model_copy(update={"median": 99.0, "artifact_key": "fedcba987654"})
            journal.append(changed)
    again = [value for value in page_of(journal.directory).values("id") if "verdict-" in value]
    assert first == again


def test_a_session_that_died_says_so(journal: Journal) -> None:
    with journal:
        journal.append(session_row())
        journal.append(answer_row())
        journal.append(answer_row(sample_id="scene-2"))
    journal.path.write_bytes(journal.path.read_bytes()[:-5])
    text = page_of(journal.directory).text
    assert "NOT FINISHED" in text
    assert "The session did not finish" in text
    assert "1 row cut short" in text
    assert "scene-1" in text


def test_an_interrupted_session_says_so(journal: Journal) -> None:
    with journal:
        journal.append(session_row())
        journal.append(SessionEndRow(exit_status=2))
    assert "The session was interrupted." in page_of(journal.directory).text


def test_a_run_of_which_only_one_torn_row_is_left_still_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "rows-main.jsonl").write_bytes(b'{"kind": "sess')
    text = page_of(tmp_path).text
    assert "NOT FINISHED" in text
    assert "died before it could say where it ran" in text


def test_a_missing_thumbnail_leaves_a_note_in_its_place(finished_run: Path) -> None:
    for file in (finished_run / THUMBNAIL_FOLDER).iterdir():
        file.unlink()
    text = page_of(finished_run).text
    assert "is missing" in text
    assert "expected red" in text


def test_beyond_the_cap_the_page_says_how_many_answers_it_leaves_out(journal: Journal) -> None:
    with journal:
        for index in range(250):
            wrong = index >= 240
            given = "blue" if wrong else "red"
            journal.append(answer_row(sample_id=f"s{index}", given=given, correct=not wrong))
    page = page_of(journal.directory)
    assert "200 of 250 answers are shown, wrong ones first; 50 more are in results.csv" in page.text
    assert page.values("data-wrong").count("yes") == 10
    assert page.values("data-wrong")[:10] == ["yes"] * 10


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (("/opt/venv/bin/pytest", "-m", "perf"), "pytest -m perf"),
        (("/opt/venv/lib/pytest/__main__.py", "-q"), "python -m pytest -q"),
    ],
)
def test_the_command_is_what_a_person_would_type(
    journal: Journal, argv: tuple[str, ...], command: str
) -> None:
    with journal:
        journal.append(session_row().model_copy(update={"argv": argv}))
    assert f"Command {command} " in f"{page_of(journal.directory).text} "


def test_a_session_without_gates_passes_by_its_tests(journal: Journal) -> None:
    row = OutcomeRow(test_id="a.py::b", outcome="passed", duration_s=0.1, rerun_command="pytest a")
    with journal:
        journal.append(row)
        journal.append(SessionEndRow(exit_status=0))
    assert "PASS 1 test ran and judged no gate." in page_of(journal.directory).text

"""Comparisons are searched, filtered and sorted as the page's other lists are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="needs `pip install playwright`")

from playwright.sync_api import expect

from reports.build import build_report
from suites.harness.reports.browser import Tab, launched_chromium, opened_report
from suites.harness.reports.nights import write_night
from suites.harness.reports.test_parts import a_comparison

RATIOS = {"decode_tps": 0.94, "ttft_ms": 1.2, "load_ms": 1.01, "encode_ms": 0.9, "e2e_tps": None}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night that compared five metrics."""
    folder = tmp_path_factory.mktemp("compared")
    rows = []
    for metric, ratio in RATIOS.items():
        outcome = "blocked" if ratio is None else "slower" if metric == "decode_tps" else "same"
        medians = {"baseline_median": 100.0, "candidate_median": ratio and 100 * ratio}
        changed = {"metric": metric, "sentence": f"{metric} was compared", **medians}
        rows.append(a_comparison(outcome, ratio).model_copy(update=changed))
    return build_report(write_night(folder / "runs", 0, rows), folder / "out").files[0]


@pytest.fixture(scope="module")
def tab(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with (
        launched_chromium() as chromium,
        opened_report(chromium, index, tmp_path_factory.mktemp("screenshots")) as opened,
    ):
        yield opened
    assert opened.complaints == []
    assert opened.requests == []


@pytest.fixture(autouse=True)
def _as_opened(tab: Tab) -> None:
    tab.page.reload()


def metrics(tab: Tab) -> list[str]:
    return tab.texts("#comparisons tbody td.metric > b")


def test_a_word_is_searched_in_all_of_a_row(tab: Tab) -> None:
    tab.page.locator("#comparisons input").fill("load_ms builder-03 fedcba98")
    assert metrics(tab) == ["load_ms"]
    expect(tab.page.locator("#comparisons output")).to_have_text("1 of 5")


def test_an_outcome_filters(tab: Tab) -> None:
    toggles = tab.page.locator("#comparisons .toggle")
    assert toggles.all_inner_texts() == ["SLOWER", "BLOCKED", "SAME"]
    toggles.first.click()
    assert metrics(tab) == ["decode_tps"]


def test_a_heading_sorts_by_the_size_of_a_change(tab: Tab) -> None:
    heading = tab.page.locator("#comparisons th button", has_text="Change")
    heading.click()
    assert metrics(tab) == ["encode_ms", "decode_tps", "load_ms", "ttft_ms", "e2e_tps"]
    heading.click()
    assert metrics(tab)[-4:] == ["ttft_ms", "load_ms", "decode_tps", "encode_ms"]


def test_a_link_leads_to_its_row(tab: Tab) -> None:
    tab.page.locator("#comparisons tbody .chip").last.click()
    expect(tab.page.locator("#comparisons tr.linked")).to_have_count(1)

"""Every kind of page is readable at every width, by everybody, with a mouse or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="needs `pip install playwright`")

from playwright.sync_api import Browser, expect

from suites.harness.reports.browser import Tab, launched_chromium, opened_report
from suites.harness.reports.kinds_of_pages import KINDS, write_pages

WIDTHS = (320, 390, 768, 800, 1000, 1001, 1024, 1400, 1920)

OUTSIDE = (Path(__file__).parent / "outside.js").read_text()

REDRAWN = """() => [...document.querySelectorAll(".chart[data-drawn]")].every((chart) => {
  const svg = chart.querySelector("svg");
  return svg && Number(svg.getAttribute("width")) <= chart.clientWidth + 1;
})"""
"""Charts are drawn, and follow the width of the window, a moment later."""

OPEN_SOME = """() => {
  for (const section of document.querySelectorAll("main section, main header"))
    for (const one of [...section.querySelectorAll("details")].slice(0, 4)) one.open = true;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return write_pages(tmp_path_factory.mktemp("pages"))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut_off_or_covered_at_any_width(
    browser: Browser, pages: Mapping[str, Path], kind: str, tmp_path: Path
) -> None:
    with opened_report(browser, pages[kind], tmp_path) as tab:
        tab.page.evaluate(OPEN_SOME)
        tab.page.wait_for_function(REDRAWN)
        for width in WIDTHS:
            tab.page.set_viewport_size({"width": width, "height": 900})
            tab.page.wait_for_function(REDRAWN)
            assert tab.page.evaluate(OUTSIDE) == [], width
    assert tab.complaints == []
    assert tab.requests == []


@pytest.mark.parametrize("kind", ["green", "red", "wrong_answers", "virtual", "hostile"])
def test_axe_finds_nothing_serious(
    browser: Browser, pages: Mapping[str, Path], kind: str, tmp_path: Path
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    with opened_report(browser, pages[kind], tmp_path) as tab:
        tab.page.evaluate(OPEN_SOME)
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            found = axe.Axe().run(tab.page).response["violations"]
            told = [(one["id"], one["nodes"][0]["html"]) for one in found]
            assert told == [], scheme


def test_a_green_night_is_read_on_one_screen(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["green"], tmp_path, width=1400) as tab:
        assert tab.page.locator("h1").inner_text() == "PASS"
        last = tab.page.locator("#verdicts tbody tr").last.bounding_box()
        assert last is not None
        assert last["y"] + last["height"] <= 900
        rooms = [float(text.split()[0]) for text in tab.texts("#verdicts td.gate small")]
        assert rooms == sorted(rooms)
        search(tab, "prefill_tps kv tiny_internvl3 SM8750")
        expect(tab.page.locator("#verdicts tbody tr")).to_have_count(1)
        search(tab, "")
        tab.page.locator("#verdicts .unfold").press("Space")
        for more in tab.page.locator("#verdicts button.more").all():
            more.press("Space")
        expect(tab.page.locator("#verdicts tbody tr")).to_have_count(136)
        tab.page.locator("#verdicts button.more").first.press("Enter")
        assert tab.page.locator("#verdicts tbody tr").count() < 136


def search(tab: Tab, words: str) -> None:
    tab.page.locator("#verdicts input").fill(words)


def test_space_does_what_enter_does(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["red"], tmp_path) as tab:
        tab.page.locator(".counts button", has_text="FAIL").press("Space")
        assert set(tab.texts("#verdicts tbody .chip")) == {"FAIL"}
        tab.page.locator("#verdicts tbody .chip").first.press("Space")
        expect(tab.page.locator("#verdicts tr.linked")).to_have_count(1)
        row = tab.page.locator("#verdicts tbody tr").first
        was_open = row.locator("details").first.get_attribute("open")
        row.locator("summary").first.press("Space")
        assert row.locator("details").first.get_attribute("open") != was_open
        outline = "node => (node.focus(), getComputedStyle(node).outlineStyle)"
        tab.page.keyboard.press("Tab")
        assert tab.page.locator(":focus-visible").first.evaluate(outline) != "none"


def test_headline_finding_and_trend_tell_the_same(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["red"], tmp_path) as tab:
        lead = tab.page.locator(".verdict p b").inner_text()
        row = tab.page.locator("#trends tbody tr").first
        amount, since, levels = row.locator(".change span > *").all_inner_texts()
        assert amount == tab.page.locator(".finding.worse .amount").first.inner_text()
        assert levels == tab.page.locator(".finding.worse .levels b").first.inner_text()
        assert since in lead
        assert lead.endswith(f"{levels.partition(' → ')[2]}.")
        failed = tab.page.locator("#verdicts tbody tr").first
        assert row.locator(".chip").inner_text() == failed.locator(".status .chip").inner_text()
        assert row.locator(".measured b").inner_text() == failed.locator(".measured b").inner_text()


def test_a_virtual_phones_speed_is_marked_wherever_it_is_shown(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["virtual"], tmp_path) as tab:
        assert "say nothing about a Snapdragon" in tab.page.locator(".notice.stand-in").inner_text()
        for section in ("#comparisons", "#verdicts", "#trends"):
            marks = tab.page.locator(f"{section} tbody tr .tone-stand-in")
            assert marks.all_inner_texts() == ["virtual phone"], section
        assert tab.page.locator(".finding").count() == 0


def test_nights_bear_their_dates(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["virtual"], tmp_path) as tab:
        squares = tab.page.locator(".strip-of-nights [aria-label]")
        names = [square.get_attribute("aria-label") for square in squares.all()]
        assert names[0] == "2026-10-01: green"
        assert names[-1] == "2026-10-12: green, this run"


def test_the_whole_navigation_is_seen_at_any_width(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["red"], tmp_path) as tab:
        for width in WIDTHS:
            tab.page.set_viewport_size({"width": width, "height": 900})
            for link in tab.page.locator("nav a").all():
                box = link.bounding_box()
                assert box is not None
                assert box["x"] >= 0, width
                assert box["x"] + box["width"] <= width, width


def test_a_mixed_night_tells_its_targets_artifacts_and_what_was_allowed(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["mixed"], tmp_path) as tab:
        facts = dict(zip(tab.texts(".facts dt"), tab.texts(".facts dd"), strict=True))
        assert facts["On emulator"].startswith(
            "tiny_smolvlm · SM8650 · emulator-SM8650 · kv · fp32"
        )
        assert facts["On phone"] == "tiny_smolvlm · SM8550 · VIRTUAL-SM8550 · kv · 8da4w: 1 verdict"
        squares = tab.page.locator(".strip-of-nights .allowed").all()
        assert [square.get_attribute("aria-label") for square in squares] == [
            "2026-10-02: green only by --allow blocked",
            "2026-10-03: green only by --allow blocked",
        ]
        sizes = [text for text in tab.texts("#verdicts td.metric") if "pte_bytes" in text]
        assert ["artifact aaaaaaaaaaaa" in text for text in sizes] == [True, False]
        assert ["artifact bbbbbbbbbbbb" in text for text in sizes] == [False, True]
        gates = " ".join(tab.texts("#verdicts td.gate"))
        assert "≤ 4 GiB" in gates
        assert set(tab.texts("#verdicts tbody .status .chip")) == {"PASS", "VALID"}


def test_a_hostile_name_turns_no_line_around(
    browser: Browser, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    with opened_report(browser, pages["hostile"], tmp_path) as tab:
        assert r"\u202eevil" in tab.page.locator(".verdict p").inner_text()
        shown = tab.page.locator("body").inner_text()
        assert not any(mark in shown for mark in "\u202e\u2028\x00")

"""The page in a browser: lists answer, links lead to rows, and every reader can read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="needs `pip install playwright`")

from playwright.sync_api import Browser, expect

from benchmarks.synthetic_store import Store, write_store
from reports.build import build_report
from suites.harness.reports.browser import Tab, launched_chromium, opened_report
from suites.harness.reports.rendered import Page

SCREENSHOTS = Path(__file__).parents[3] / "reports" / "out" / "screenshots"
SLOWED = "decode_tps"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up night with a past, in which one speed fell on one phone."""
    folder = tmp_path_factory.mktemp("report")
    run = write_store(folder / "runs", Store(nights=24, further_verdicts=900))
    return build_report(run, folder / "out").files[0]


@pytest.fixture
def tab(browser: Browser, index: Path) -> Iterator[Tab]:
    with opened_report(browser, index, SCREENSHOTS) as opened:
        yield opened
    assert opened.complaints == []
    assert opened.requests == []


def test_ten_seconds_are_enough(tab: Tab) -> None:
    expect(tab.page.locator("h1")).to_have_text("FAIL")
    headline = tab.page.locator(".verdict p").inner_text()
    assert headline.startswith(
        "decode_tps of tiny_smolvlm hybrid on R5CX10ABCDE is 12.4 % lower since 18 November"
    )
    [finding] = tab.texts(".findings > ol > .finding.worse")
    assert "\N{MINUS SIGN}12.4 %" in finding
    assert "6 nights" in finding
    expect(tab.page.locator(".finding.worse svg.spark")).to_be_visible()
    assert tab.page.locator(".quarantine").bounding_box() is not None
    tab.shoot("desktop-light")


def test_what_changed_since_the_last_green_run(tab: Tab) -> None:
    changed = [row.split() for row in tab.texts(".differences tr")]
    assert ["package", "executorch", "1.5.0", "1.5.1"] in changed
    assert tab.page.locator(".strip-of-nights .red").count() == 6
    shown_as = "cells => cells.map((cell) => getComputedStyle(cell).display)"
    cells = tab.page.locator(".differences td").evaluate_all(shown_as)
    assert set(cells) == {"table-cell"}


def test_a_status_filters_the_verdicts(tab: Tab) -> None:
    tab.page.locator("#verdicts .toggle", has_text="FAIL").click()
    assert set(tab.texts("#verdicts tbody .chip")) == {"FAIL"}
    expect(tab.page.locator("#verdicts output")).to_contain_text("of 1032")
    tab.page.locator("#verdicts .toggle", has_text="FAIL").click()
    expect(tab.page.locator("#verdicts output")).to_have_text("all 1032")


def test_a_count_of_the_summary_leads_to_its_verdicts(tab: Tab) -> None:
    tab.page.locator(".counts button", has_text="INCONCLUSIVE").click()
    assert set(tab.texts("#verdicts tbody .chip")) == {"INCONCLUSIVE"}


def test_searching_asks_for_every_word(tab: Tab) -> None:
    tab.page.locator("#verdicts input").fill("R5CX10ABCDE  load_ms variant")
    rows = tab.texts("#verdicts tbody tr")
    assert rows
    assert all("load_ms" in row and "R5CX10ABCDE" in row for row in rows)
    tab.page.locator("#verdicts input").fill("no such metric")
    expect(tab.page.locator("#verdicts output")).to_have_text("0 of 1032")


def test_a_heading_sorts_by_size_and_turns_around(tab: Tab) -> None:
    tab.page.locator("#verdicts input").fill("load_ms")
    heading = tab.page.locator("#verdicts th", has_text="Measured")
    button = heading.locator("button")
    button.click()
    rising = [float(text) for text in tab.texts("#verdicts td.measured > b")]
    assert rising == sorted(rising)
    button.press("Space")
    falling = [float(text.replace(",", "")) for text in tab.texts("#verdicts td.measured > b")]
    assert falling == sorted(falling, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"


def test_an_opened_row_shows_how_to_run_it_alone(tab: Tab) -> None:
    row = tab.page.locator("#verdicts tbody tr").first
    row.locator("summary").click()
    expect(row.locator(".command code")).to_contain_text("pytest 'suites/perf/test_speed.py::")
    expect(row.locator("dl")).to_contain_text("R5CX10ABCDE")
    tab.shoot("opened-row")


SCROLLED_TO_MORE = """before => {
    const rows = document.querySelectorAll('#verdicts tbody tr');
    rows[rows.length - 1].scrollIntoView();
    return rows.length > before;
}"""


def test_only_what_is_near_is_built_and_scrolling_builds_the_rest(tab: Tab) -> None:
    tab.page.locator("#verdicts .toggle", has_text="PASS").click()
    rows = tab.page.locator("#verdicts tbody tr")
    assert rows.count() < 200
    before = rows.count()
    tab.page.wait_for_function(SCROLLED_TO_MORE, arg=before)


def test_a_link_leads_to_a_row_far_down(browser: Browser, index: Path) -> None:
    last = Page(index.read_text()).data["verdicts"][-1]["id"]
    with opened_report(browser, index, SCREENSHOTS, fragment=f"#{last}") as opened:
        row = opened.page.locator(f"#{last}")
        expect(row).to_be_in_viewport()
        expect(row.locator(".command")).to_be_visible()
    assert opened.complaints == []


def test_a_trend_opens_its_chart_with_the_change(tab: Tab) -> None:
    tab.page.locator(".finding.worse a").click()
    row = tab.page.locator("#trends tr.linked")
    expect(row).to_contain_text("R5CX10ABCDE")
    expect(row.locator(".chart svg")).to_be_visible()
    expect(row.locator(".changes")).to_contain_text("\N{MINUS SIGN}12.4 %")
    tab.shoot("trend")


def test_stages_are_told_and_device_states_drawn_when_seen(tab: Tab) -> None:
    assert "prefill" in tab.texts("#stages .stage-times")[0]
    tab.page.locator("#device .chart").first.scroll_into_view_if_needed()
    expect(tab.page.locator("#device .chart svg").first).to_be_visible()
    expect(tab.page.locator("#device")).to_contain_text("battery_c")
    tab.shoot("device")


def test_wrong_answers_stand_beside_right_ones_with_the_word_marked(tab: Tab) -> None:
    tab.page.locator("#answers .toggle", has_text="Only wrong").click()
    card = tab.page.locator("#answers .card").first
    assert card.locator(".column h4").all_inner_texts() == ["float model", "host", "phone"]
    assert card.locator(".wrong mark").all_inner_texts() == ["blue."]
    assert card.locator(".right mark").count() == 0
    assert tab.page.locator("#answers .card:not(.has-wrong)").count() == 0
    tab.page.locator("#answers").scroll_into_view_if_needed()
    tab.shoot("answers")


def test_a_picture_is_enlarged_and_made_small_again(tab: Tab) -> None:
    picture = tab.page.locator("#answers .card > .picture").first
    picture.scroll_into_view_if_needed()
    picture.click()
    box = picture.locator("img").bounding_box()
    assert box is not None
    assert box["width"] > 320
    picture.click()
    expect(picture).not_to_have_class("picture large")


def test_a_failure_shows_what_was_kept(tab: Tab) -> None:
    failure = tab.page.locator("#failures article", has_text="test_killed_runner")
    failure.locator("summary", has_text="logcat").click()
    expect(failure.locator("pre", has_text="SIGABRT")).to_be_visible()
    expect(failure.locator(".command")).to_contain_text("--serial R5CX10ABCDE")


def test_tests_are_filtered_by_outcome(tab: Tab) -> None:
    tab.page.locator("#tests .toggle", has_text="error").click()
    expect(tab.page.locator("#tests tbody tr")).to_have_count(1)
    expect(tab.page.locator("#tests tbody")).to_contain_text("exit code -6")


def test_dark_mode_is_dark_all_over(browser: Browser, index: Path) -> None:
    with opened_report(browser, index, SCREENSHOTS, scheme="dark") as opened:
        assert brightness(opened, "body", "backgroundColor") < 60
        assert brightness(opened, "#verdicts td b", "color") > 180
        opened.page.locator("#device .chart").first.scroll_into_view_if_needed()
        expect(opened.page.locator("#device .chart svg").first).to_be_visible()
        assert brightness(opened, "#device .mark-text text", "fill") > 120
        opened.shoot("desktop-dark-device")
        opened.page.evaluate("scrollTo(0, 0)")
        opened.shoot("desktop-dark")
    assert opened.complaints == []


def test_a_phone_needs_no_scrolling_sideways(browser: Browser, index: Path) -> None:
    with opened_report(browser, index, SCREENSHOTS, width=390) as opened:
        width = opened.page.evaluate("document.documentElement.scrollWidth")
        assert width == 390
        opened.shoot("phone")
        opened.page.locator("#verdicts").scroll_into_view_if_needed()
        # Headings are hidden there, so a share has to say of what.
        label = "node => getComputedStyle(node, '::after').content"
        assert "roofline" in opened.page.locator("#verdicts .roofline b").first.evaluate(label)
        box = opened.page.locator("#verdicts td.evidence").first.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
        opened.shoot("phone-verdicts")
    assert opened.complaints == []


def test_print_is_black_on_white_without_controls(browser: Browser, index: Path) -> None:
    with opened_report(browser, index, SCREENSHOTS, scheme="dark") as opened:
        opened.page.emulate_media(media="print")
        assert brightness(opened, "body", "backgroundColor") == 255
        assert brightness(opened, "h2", "color") < 60
        expect(opened.page.locator(".bar")).to_be_hidden()
        expect(opened.page.locator("#verdicts .controls")).to_be_hidden()
        # A4 between its margins, at 96 dots per inch.
        opened.page.set_viewport_size({"width": 703, "height": 1000})
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 703
        opened.shoot("print")
    assert opened.complaints == []


def brightness(tab: Tab, selector: str, style: str) -> float:
    """Mean of red, green and blue, 0 for black."""
    script = "(node, style) => getComputedStyle(node)[style].match(/\\d+/g).slice(0, 3).map(Number)"
    channels: list[float] = tab.page.locator(selector).first.evaluate(script, style)
    return sum(channels) / 3

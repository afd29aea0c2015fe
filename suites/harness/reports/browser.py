"""A report in headless Chromium; whoever uses it finds out what the browser complained about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "apt-get install chromium"


def find_chromium() -> str | None:
    """Program of an installed Chromium."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@contextmanager
def launched_chromium() -> Iterator[Browser]:
    """A running browser; skips where none is installed."""
    program = find_chromium()
    if program is None:
        pytest.skip(f"no Chromium is installed; install it with: {INSTALL}")
    # Chromium's sandbox does not start as root, which continuous integration often is.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@dataclass
class Tab:
    """An open report.

    Attributes:
        page: To drive.
        complaints: Errors and warnings of the console, and exceptions.
        requests: Addresses that were asked for besides the page itself.
    """

    page: Page
    screenshots: Path
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def shoot(self, name: str) -> None:
        """Keep a picture of what is seen now."""
        self.screenshots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.screenshots / f"{name}.png")

    def texts(self, selector: str) -> list[str]:
        """Text of all elements that match."""
        return self.page.locator(selector).all_inner_texts()


@contextmanager
def opened_report(
    browser: Browser,
    index: Path,
    screenshots: Path,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    fragment: str = "",
) -> Iterator[Tab]:
    """A report in a window of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    tab = Tab(context.new_page(), screenshots)
    address = index.as_uri() + fragment
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on(
        "console",
        lambda message: (
            tab.complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    tab.page.on("request", lambda request: tab.requests.append(request.url))
    tab.page.goto(address)
    yield tab
    tab.requests = [url for url in tab.requests if not url.startswith(("data:", index.as_uri()))]
    context.close()

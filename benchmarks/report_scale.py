"""How large a report may get: built from 200,000 samples, opened with 5,000 rows and 200 images.

    python -m benchmarks.report_scale

makes up two results folders, builds a report of each and opens one in headless Chromium. It prints
both tables with their bounds and exits with 1 if one is missed, with 2 if it cannot measure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.table import Table
from rich.text import Text

from benchmarks.synthetic_store import Store, write_store
from harness.console import PlainConsole
from harness.errors import UserError
from harness.program import run_program
from harness.results.history import load_history

SAMPLES = 200_000
_MANY_NIGHTS = Store(nights=304)
_MANY_ROWS = Store(nights=30, further_verdicts=5_000, images=200)
_POLL_S = 0.02


@dataclass(frozen=True)
class Figure:
    """One measured quantity and the most that it may be."""

    name: str
    value: float
    bound: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether the bound holds."""
        return self.value <= self.bound


def main() -> int:
    """Measure, print, judge."""
    with tempfile.TemporaryDirectory(prefix="snapgate-report-scale-") as name:
        folder = Path(name)
        try:
            built = measure_building(folder / "nights")
            opened = measure_opening(folder / "rows")
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
    _print("Report of a store with 200,000 samples", built)
    _print("Page with 5,000 rows and 200 images in headless Chromium", opened)
    return 0 if all(figure.is_met for figure in (*built, *opened)) else 1


def measure_building(folder: Path) -> tuple[Figure, ...]:
    """Load the history of many nights, and build the report of the last of them."""
    run = write_store(folder, _MANY_NIGHTS)
    start = time.perf_counter()
    samples = len(load_history(folder, tables=["samples"]).samples)
    loaded_s = time.perf_counter() - start
    if samples < SAMPLES:
        raise UserError(f"The made-up store has {samples} samples, not {SAMPLES}; add nights.")
    took_s, peak_mib, _ = _build(run, folder / "report", "--since", "2025-01-01")
    return (
        Figure("history loaded in", loaded_s, 10.0, "s"),
        Figure("built in", took_s, 20.0, "s"),
        Figure("peak resident set", peak_mib, 1024.0, "MiB"),
    )


def measure_opening(folder: Path) -> tuple[Figure, ...]:
    """Open a page until its rows and pictures are there."""
    _, _, page = _build(write_store(folder, _MANY_ROWS), folder / "report")
    took_s, requests, errors = open_page(page)
    return (
        Figure("loaded in", took_s, 2.0, "s"),
        Figure("file", page.stat().st_size / 1e6, 15.0, "MB"),
        Figure("network requests", requests, 0, ""),
        Figure("console errors", errors, 0, ""),
    )


def _build(run: Path, out: Path, *arguments: str) -> tuple[float, float, Path]:
    """Seconds, peak MiB and page of ``python -m reports`` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "reports",
        "--run",
        str(run),
        "--report-dir",
        str(out),
        *arguments,
    ]
    start = time.perf_counter()
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        observed = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, observed.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            time.sleep(_POLL_S)
    if process.returncode != 0:
        raise UserError(f"`{' '.join(command)}` ended with {process.returncode}; run it by hand.")
    return time.perf_counter() - start, peak / 2**20, out / "index.html"


def open_page(page: Path) -> tuple[float, int, int]:
    """Seconds from the first byte to a page that answers, requests to the network, errors.

    Loaded means: the load event is over, the first rows stand, and the browser is idle again.
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise UserError("Opening a page needs Chromium; install it with: apt-get install chromium")
    requests: list[str] = []
    errors: list[str] = []
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        tab = browser.new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        start = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector(".verdicts tbody tr")
        tab.evaluate("new Promise((done) => requestIdleCallback(done))")
        took_s = time.perf_counter() - start
        browser.close()
    away = [url for url in requests if not url.startswith(("data:", page.as_uri()))]
    return took_s, len(away), len(errors)


def _print(title: str, figures: tuple[Figure, ...]) -> None:
    table = Table(title=title, title_justify="left")
    for name in ("figure", "measured", "bound", ""):
        table.add_column(name, justify="right" if name in ("measured", "bound") else "left")
    for figure in figures:
        value, bound = (f"{number:,.3g} {figure.unit}" for number in (figure.value, figure.bound))
        verdict = Text("ok", "green") if figure.is_met else Text("missed", "red")
        table.add_row(figure.name, value, f"<= {bound}", verdict)
    PlainConsole().print(table)


if __name__ == "__main__":
    run_program(main)

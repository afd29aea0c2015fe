"""Builds all files of a report from the rows of a run and of the runs before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.artifacts.atomic_file import replacing
from harness.results.run import Run
from reports.findings import find_findings
from reports.headline import headline
from reports.junit import render_junit
from reports.page import render_page
from reports.past import read_past
from reports.results_csv import render_csv
from reports.trends import find_trends

REPORT_FILES = ("index.html", "results.csv", "samples.jsonl", "junit.xml")
"""What a report consists of."""


@dataclass(frozen=True)
class ReportSummary:
    """What was built.

    Attributes:
        word: The run's end in one word, ``PASS`` for instance.
        sentence: The evidence.
        files: What was written, the page to open first.
    """

    word: str
    sentence: str
    files: tuple[Path, ...]


def build_report(run_directory: Path, out: Path, since: datetime | None = None) -> ReportSummary:
    """Write ``index.html``, ``results.csv``, ``samples.jsonl`` and, if need be, ``junit.xml``.

    Each file is replaced as a whole. A ``junit.xml`` that names this run was written by pytest and
    stays; one of another run, or none, is replaced by ours.

    Args:
        run_directory: ``<results>/<run_id>``; the session may have died.
        out: Folder of the report, made when missing.
        since: Leave earlier runs out of the trends; 90 days before the run by default.

    Raises:
        UserError: If ``run_directory`` is not a run or holds a damaged row.
    """
    run = Run.read(run_directory)
    past = read_past(run, since)
    trends = find_trends(past)
    findings = find_findings(run, past, trends)
    contents = {
        "index.html": render_page(run, past, trends, findings, out).encode(),
        "results.csv": render_csv(run).encode(),
        "samples.jsonl": _render_samples(run).encode(),
    }
    if not _names_run(out / "junit.xml", run.run_id):
        contents["junit.xml"] = render_junit(run)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        replace_file(out / name, content)
    top = headline(run, findings)
    told = " ".join(filter(None, (run.unfinished, top.sentence)))
    return ReportSummary(top.word, told, tuple(out / name for name in contents))


def _render_samples(run: Run) -> str:
    rows = [*run.samples, *run.answers]
    return "".join(f"{row.model_dump_json()}\n" for row in rows)


def _names_run(junit: Path, run_id: str) -> bool:
    return junit.exists() and f'name="run_id" value="{run_id}"'.encode() in junit.read_bytes()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that others see whole or not at all."""
    with replacing(path) as file:
        file.write(content)

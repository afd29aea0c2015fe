"""Options that say where rows and reports are kept."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from harness.options.groups.takers import REPORTS, SUITES
from harness.options.option import Option

_RUN = "name of a run, its beginning, path or 'latest'"


def default_results() -> Path:
    """The results store where nobody names another."""
    return platformdirs.user_data_path("snapgate", appauthor=False) / "runs"


RECORDS_OPTIONS = (
    Option(
        "report_url",
        ("summary",),
        "address of the report, for a link",
        words="on GitHub Actions the page of the workflow run",
        metavar="URL",
    ),
    Option(
        "results",
        ("suites", "results", "compare", "noise", "summary", "reports"),
        "results store",
        Path,
        default=default_results,
        words="in the user data folder",
    ),
    Option("run_id", SUITES, "write into this run, beside another session", words="a new one"),
    Option(
        "report_dir",
        ("suites", "reports"),
        "where the report is written",
        Path,
        default=Path("reports/out"),
    ),
    Option("reported_run", REPORTS, _RUN, default="latest", spelled="--run"),
    Option(
        "bundle", REPORTS, "pack report, rows and evidence of a run into a ZIP file", metavar="RUN"
    ),
    Option(
        "trends_since",
        REPORTS,
        "how far trends look back: 2026-11-01, 30d or 8w",
        words="90d before the run",
        metavar="WHEN",
        spelled="--since",
    ),
)

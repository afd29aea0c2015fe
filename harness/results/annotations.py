"""What is not green as annotations of a GitHub Actions step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from harness.display import shown
from harness.measure.verdict import Status
from harness.measure.wording import plural
from harness.results.run import Run
from harness.results.series import Series
from harness.results.trend_alerts import TrendAlert

MAX_ANNOTATIONS = 10
"""GitHub shows as many of a step."""

_MAX_LENGTH = 2000


def is_github(environment: Mapping[str, str]) -> bool:
    """Whether a process is a step of GitHub Actions, which alone reads annotations."""
    return environment.get("GITHUB_ACTIONS") == "true"


def run_page(environment: Mapping[str, str]) -> str | None:
    """Address of the workflow run, which lists its artifacts; None elsewhere."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environment.get(name, "") for name in names)
    is_known = is_github(environment) and server and repository and run
    return f"{server}/{repository}/actions/runs/{run}#artifacts" if is_known else None


def step_annotations(run: Run, alerts: Sequence[TrendAlert]) -> tuple[str, ...]:
    """Failed gates and broken tests as errors, undecided gates and trends as warnings after them.

    What is in quarantine is left out; where GitHub shows fewer, the last line says so.
    """
    trends = (_annotation("warning", "", "Trend", alert.sentence) for alert in alerts)
    lines = [*_errors(run), *trends, *_warnings(run)]
    if len(lines) > MAX_ANNOTATIONS:
        more = plural(len(lines) - MAX_ANNOTATIONS + 1, "annotation")
        last = _annotation("warning", "", "Snapgate", f"{more} more, see the job's summary.")
        lines = [*lines[: MAX_ANNOTATIONS - 1], last]
    return tuple(lines)


def _errors(run: Run) -> Iterator[str]:
    for row in run.judged:
        if row.status is Status.FAIL and not row.quarantined:
            title = f"{row.metric} of {Series.of_row(row).place}"
            yield _annotation("error", row.test_id, title, row.sentence)
    for failure in run.failures:
        if failure.status is None:
            message = (failure.message.strip().splitlines() or ["no message"])[-1]
            yield _annotation("error", failure.test_id, failure.test_id, message)


def _warnings(run: Run) -> Iterator[str]:
    for row in run.judged:
        if row.status is Status.INCONCLUSIVE and not row.quarantined:
            title = f"{row.metric} of {Series.of_row(row).place}"
            yield _annotation("warning", row.test_id, title, row.sentence)


def _annotation(level: Literal["error", "warning"], test_id: str, title: str, message: str) -> str:
    file = test_id.partition("::")[0]
    named = {"file": file, "title": title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in named.items() if value)
    return f"::{level} {properties}::{_escaped(shown(message[:_MAX_LENGTH]))}"


def _escaped(message: str) -> str:
    """As GitHub reads them back."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _escaped(shown(value)).replace(":", "%3A").replace(",", "%2C")

"""Runs of several nights in one results folder, as short as they can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.measure.verdict import Status
from harness.results.journal import Journal
from harness.results.rows.schema import (
    DeviceRow,
    Row,
    SampleRow,
    SessionEndRow,
    VerdictRow,
)
from harness.results.run import Run
from reports.findings import Finding, find_findings
from reports.past import Past, read_past
from reports.trends import Trend, find_trends
from suites.harness.reports.small_run import sample_rows, session_row, verdict_rows

FIRST_NIGHT = datetime(2026, 10, 1, 2, 0, 0, tzinfo=UTC)


def a_sample(value: float, **fields: object) -> SampleRow:
    return sample_rows()[1].model_copy(update={"value": value, **fields})


def a_verdict(value: float, status: Status, **fields: object) -> VerdictRow:
    changed = {"median": value, "lower": value, "upper": value, "status": status, **fields}
    return verdict_rows()[1].model_copy(update=changed)


def write_night(
    results: Path,
    number: int,
    rows: Sequence[Row],
    *,
    exit_status: int | None = 0,
    versions: dict[str, str] | None = None,
    commit: str | None = "a" * 40,
    options: dict[str, Any] | None = None,
    session: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """One run, so many nights after the first one; None as exit status for one that died."""
    started = FIRST_NIGHT + timedelta(days=number)
    folder = results / f"{started:%Y%m%dT%H%M%SZ}-{number:06x}"
    begun = session_row().model_copy(
        update={
            "run_id": folder.name,
            "started_at": started,
            "versions": versions or {"torch": "2.13.0"},
            "git_commit": commit,
            "options": options or {"thresholds": "thresholds"},
            **session,
        }
    )
    device = DeviceRow(device="builder-03", target="host", fingerprint="cpu", at=started)
    with Journal(folder, "main") as journal:
        for row in (begun, device, *rows):
            journal.append(row)
        if exit_status is not None:
            journal.append(SessionEndRow(exit_status=exit_status, ended_at=started))
    return folder


def write_levels(results: Path, values: Sequence[float], **fields: object) -> Path:
    """One passing night per value of ``decode_tps``."""
    for number, value in enumerate(values):
        rows = (a_sample(value, **fields), a_verdict(value, Status.PASS, **fields))
        folder = write_night(results, number, rows)
    return folder


def past_of(folder: Path) -> Past:
    return read_past(Run.read(folder))


def trends_of(folder: Path) -> tuple[Trend, ...]:
    return find_trends(past_of(folder))


def findings_of(folder: Path) -> tuple[Finding, ...]:
    past = past_of(folder)
    return find_findings(Run.read(folder), past, find_trends(past))

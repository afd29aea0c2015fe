"""Runs of made-up numbers, written by the real journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.measure.verdict import Status
from harness.results.journal import Journal
from harness.results.rows.schema import (
    DeviceRow,
    HostInfo,
    Row,
    SampleRow,
    SessionEndRow,
    SessionRow,
    VerdictRow,
)

FIRST_NIGHT = datetime(2026, 9, 1, 2, 15, tzinfo=UTC)
HOST = HostInfo(cpu_model="AMD EPYC 7763", cores=4, memory_mib=16000, os="Linux 6.8.0 x86_64")
TEST = "suites/perf/test_speed.py::test_speed[fp32-kv-tiny_smolvlm-decode_tps]"
SUBJECT = {
    "test_id": TEST,
    "model": "tiny_smolvlm",
    "target": "host",
    "device": "host-5ca1ab1e",
    "mode": "kv",
    "precision": "fp32",
    "protocol": "snapgate",
    "artifact_key": "c0ffee",
}


def night_id(night: int) -> str:
    """Name of the run of a night, counted from 0."""
    return f"{FIRST_NIGHT + timedelta(days=night):%Y%m%dT%H%M%SZ}-{night:06x}"


def a_session(run_id: str, worker: str = "main", **fields: object) -> SessionRow:
    """The first row of a journal."""
    given: dict[str, object] = {
        "argv": ("pytest", "-m", "perf"),
        "options": {"model": ["tiny_smolvlm"]},
        "versions": {"python": "3.11.9", "torch": "2.13.0"},
        "git_commit": "abc",
    }
    return SessionRow.model_validate(
        {**given, "run_id": run_id, "host": HOST, "worker": worker, **fields}
    )


def samples(values: Sequence[float], **fields: object) -> list[Row]:
    """Samples of ``decode_tps`` on the host, unless fields say otherwise."""
    given = {**SUBJECT, "metric": "decode_tps", "unit": "token/s", **fields}
    return [
        SampleRow.model_validate({**given, "value": value, "run_index": index})
        for index, value in enumerate(values)
    ]


def a_verdict(status: Status = Status.PASS, **fields: object) -> VerdictRow:
    """A verdict on ``decode_tps`` on the host, unless fields say otherwise."""
    given: dict[str, object] = {
        **SUBJECT,
        "metric": "decode_tps",
        "unit": "token/s",
        "status": status,
        "sentence": f"decode_tps of tiny_smolvlm is 100: {status.value}",
        "median": 100.0,
        "n_samples": 5,
    }
    return VerdictRow.model_validate({**given, **fields})


def a_device(**fields: object) -> DeviceRow:
    """The device of the samples."""
    given = {"device": "host-5ca1ab1e", "target": "host", "fingerprint": "AMD EPYC 7763"}
    return DeviceRow.model_validate({**given, **fields})


def write_run(
    results: Path, night: int, rows: Sequence[Row], exit_status: int | None = 0, **session: object
) -> Path:
    """Write a run's journal.

    Args:
        results: The results folder.
        night: Which night.
        rows: What it wrote between the session's first row and its last.
        exit_status: None for a session that was killed.
        session: Fields of the session row.
    """
    run_id = night_id(night)
    start = {"started_at": FIRST_NIGHT + timedelta(days=night), **session}
    with Journal(results / run_id, "main") as journal:
        journal.append(a_session(run_id, **start))
        for row in rows:
            journal.append(row)
        if exit_status is not None:
            journal.append(SessionEndRow(exit_status=exit_status))
    return results / run_id

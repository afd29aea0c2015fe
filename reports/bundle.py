"""Everything about a run in one ZIP file, for a bug report."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from harness.results.journal import THUMBNAIL_FOLDER
from harness.results.rows.schema import OutcomeRow
from harness.results.run import Run
from harness.results.stored_run import run_of
from harness.run_folder import run_folder
from reports.build import REPORT_FILES, build_report, replace_file

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_LENGTH = 80


def write_bundle(run_directory: Path, out: Path, since: datetime | None = None) -> Path:
    """Build the report and pack it with the run's rows and the evidence of every failure.

    The ZIP holds a folder named after the run: ``report/``, ``rows/``, ``environment.json`` and
    ``failures/<number>-<test>/`` with one text file per kept piece of evidence. It contains command
    lines, device serials and host names as they were recorded.

    Args:
        run_directory: ``<results>/<run_id>``.
        out: Folder of the bundle, made when missing; a report that lies there is left alone.
        since: As for ``build_report``.

    Returns:
        The file written, ``snapgate-<run_id>.zip``.

    Raises:
        UserError: If ``run_directory`` is not a run or holds a damaged row.
    """
    run = Run.read(run_directory)
    content = io.BytesIO()
    with (
        run_folder() as report,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        build_report(run_directory, report, since)
        for name, data in _members(run, report):
            # Without times two bundles of one run are equal.
            archive.writestr(
                zipfile.ZipInfo(f"{run.run_id}/{name}", _FIXED_TIME), data, zipfile.ZIP_DEFLATED
            )
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"snapgate-{run.run_id}.zip"
    replace_file(path, content.getvalue())
    return path


def _members(run: Run, report: Path) -> Iterator[tuple[str, bytes]]:
    for name in REPORT_FILES:
        yield f"report/{name}", (report / name).read_bytes()
    for journal in run_of(run.directory).journals:
        folder = "" if journal.parent == run.directory else f"{journal.parent.name}/"
        yield f"rows/{folder}{journal.name}", journal.read_bytes()
    for picture in sorted((run.directory / THUMBNAIL_FOLDER).glob("*.jpg")):
        yield f"rows/{THUMBNAIL_FOLDER}/{picture.name}", picture.read_bytes()
    yield "environment.json", _environment(run)
    for number, row in enumerate(run.failures, start=1):
        name = _UNNAMEABLE.sub("-", row.test_id.rpartition("/")[2]).strip("-")[:_NAME_LENGTH]
        for file, text in _evidence(row).items():
            yield f"failures/{number:03}-{name}/{file}.txt", text.encode()


def _environment(run: Run) -> bytes:
    facts = {
        "sessions": [row.model_dump(mode="json") for row in run.sessions],
        "devices": [row.model_dump(mode="json") for row in run.devices],
    }
    return json.dumps(facts, indent=2).encode()


def _evidence(row: OutcomeRow) -> dict[str, str]:
    kept = {_UNNAMEABLE.sub("-", name): text for name, text in row.evidence.items()}
    return {"message": row.message, "run-it-alone": row.rerun_command, **kept}

"""Runs on disk, written by the real journal."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from harness.results.journal import Journal
from harness.results.rows.schema import Row, SessionEndRow
from suites.harness.reports.small_run import (
    RUN_ID,
    answer_row,
    outcome_rows,
    sample_rows,
    session_row,
    verdict_rows,
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Journal of a run that has just begun."""
    return Journal(tmp_path / "runs" / RUN_ID, "main")


@pytest.fixture
def finished_run(journal: Journal) -> Path:
    """Folder of a run that came to its end."""
    red, grey = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (64, 48), "grey")
    image, blank = journal.store_thumbnail(red), journal.store_thumbnail(grey)
    answers = [
        answer_row(image=image),
        answer_row(
            image=image, given="<script>alert('blue')</script>", correct=False, mode="hybrid"
        ),
        answer_row(image=blank, variant="blank", reference="blue", given="blue", correct=False),
        answer_row(
            sample_id="scene-2", question_kind="count", expected="3", given="3", image=image
        ),
    ]
    rows: list[Row] = [session_row(), *sample_rows(), *verdict_rows(), *answers, *outcome_rows()]
    with journal:
        for row in [*rows, SessionEndRow(exit_status=1)]:
            journal.append(row)
    return journal.directory

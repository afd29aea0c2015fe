"""A session that ran elsewhere is a session of a run here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from harness.results.adoption import adopt_session
from harness.results.journal import THUMBNAIL_FOLDER, Journal
from harness.results.provenance import describe_host
from harness.results.rows.basics import utc_now
from harness.results.rows.schema import OutcomeRow, SessionEndRow, SessionRow
from harness.results.rows.session import FarmStay
from harness.results.run import Run
from harness.results.sequence import sequence_of

ELSEWHERE = "20261130T010203Z-abcdef"
HERE = "20261130T040506Z-123456"


def session(folder: Path, test: str, exit_status: int) -> Path:
    """What a session with one test wrote elsewhere."""
    run = folder / ELSEWHERE
    with Journal(run, "main") as journal:
        journal.append(
            SessionRow(
                run_id=ELSEWHERE,
                argv=("pytest",),
                options={},
                versions={},
                host=describe_host(),
                git_commit=None,
                worker="main",
                planned=1,
                sequence=7,
            )
        )
        journal.store_thumbnail(Image.new("RGB", (8, 8), test))
        journal.append(
            OutcomeRow(
                test_id=f"suites/size/test_x.py::test_{test}",
                outcome="passed",
                duration_s=1.0,
                rerun_command="pytest",
            )
        )
        journal.append(SessionEndRow(exit_status=exit_status))
    return run


def stay(host: str) -> FarmStay:
    now = utc_now()
    return FarmStay(
        key="key",
        job="size: tiny_smolvlm",
        host=host,
        serialno=None,
        began_at=now,
        ended_at=now,
        is_earlier=False,
    )


def test_sessions_of_several_hosts_are_one_run(tmp_path: Path) -> None:
    first = session(tmp_path / "a", "red", 0)
    second = session(tmp_path / "b", "blue", 10)
    here = tmp_path / "results" / HERE
    later = sequence_of(utc_now() + timedelta(hours=1))
    adopt_session(first, here, 1, later, stay("ada"))
    adopt_session(second, here, 2, later + 1, stay("bob"))
    run = Run.read(here)
    assert run.run_id == HERE
    told = [(row.worker, row.sequence) for row in run.controllers]
    assert told == [("main", later), ("main-2", later + 1)]
    assert len(run.outcomes) == 2
    assert run.planned == 2
    assert run.exit_status == 10
    assert run.is_whole
    assert run.unfinished is None
    assert run.clock_sentences == ()
    assert len(list((here / THUMBNAIL_FOLDER).iterdir())) == 2


def test_a_number_is_taken_once(tmp_path: Path) -> None:
    here = tmp_path / "results" / HERE
    adopt_session(session(tmp_path / "a", "red", 0), here, 1, 100)
    with pytest.raises(FileExistsError):
        adopt_session(session(tmp_path / "b", "blue", 0), here, 1, 101)

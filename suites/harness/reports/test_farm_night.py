"""What the page says of a night on a farm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.results.journal import Journal
from harness.results.provenance import describe_host
from harness.results.rows.schema import SessionEndRow, SessionRow
from harness.results.rows.session import FarmStay
from harness.results.run import Run
from reports.build import build_report
from reports.farm_night import farm_night
from reports.wording import took

RUN_ID = "20261130T010203Z-abcdef"
BEGAN = datetime(2026, 11, 30, 1, 2, 3, tzinfo=UTC)


def stay(
    host: str, serialno: str | None, begin_s: int, took_s: int, *, is_earlier: bool = False
) -> FarmStay:
    began_at = BEGAN + timedelta(seconds=begin_s)
    return FarmStay(
        key=f"{host}{serialno}{begin_s}",
        job="perf: smolvlm_500m 16a8w kv on phone SM8650",
        host=host,
        serialno=serialno,
        began_at=began_at,
        ended_at=began_at + timedelta(seconds=took_s),
        is_earlier=is_earlier,
        waited_s=90.0,
        waited_for="hosts that could run it are busy",
    )


def run_of(folder: Path, stays: list[FarmStay | None]) -> Run:
    for number, one in enumerate(stays, 1):
        worker = "main" if number == 1 else f"main-{number}"
        with Journal(folder / RUN_ID, worker) as journal:
            journal.append(
                SessionRow(
                    run_id=RUN_ID,
                    argv=("pytest",),
                    options={},
                    versions={},
                    host=describe_host(),
                    git_commit=None,
                    worker=worker,
                    planned=0,
                    sequence=number,
                    farm=one,
                )
            )
            journal.append(SessionEndRow(exit_status=0))
    return Run.read(folder / RUN_ID)


def test_a_run_without_a_farm_has_no_such_section(tmp_path: Path) -> None:
    run = run_of(tmp_path, [None])
    assert farm_night(run) is None
    build_report(run.directory, tmp_path / "out")
    assert 'id="farm"' not in (tmp_path / "out" / "index.html").read_text()


def test_lanes_are_phones_and_what_hosts_do_at_a_time(tmp_path: Path) -> None:
    stays = [
        stay("ada", "P0", 0, 60),
        stay("ada", "P0", 60, 40),
        stay("ada", None, 0, 50),
        stay("ada", None, 20, 80),
        stay("bob", "P1", 50, 25),
        stay("bob", "P1", -900, 25, is_earlier=True),
    ]
    night = farm_night(run_of(tmp_path, list(stays)))
    assert night is not None
    assert [lane.name for lane in night.lanes] == ["ada", "ada", "ada · P0", "bob · P1"]
    assert [round(lane.busy, 2) for lane in night.lanes] == [0.5, 0.8, 1.0, 0.25]
    assert [(bar.left_percent, bar.width_percent) for bar in night.lanes[2].bars] == [
        (0.0, 60.0),
        (60.0, 40.0),
    ]
    assert (night.took, night.earlier) == ("1 min 40 s", 1)
    assert [job.is_earlier for job in night.jobs] == [True, *[False] * 5]


def test_a_night_of_which_nothing_was_run_again_says_so(tmp_path: Path) -> None:
    run = run_of(tmp_path, [stay("ada", "P0", 0, 60, is_earlier=True)])
    build_report(run.directory, tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "1 job had ended before and was not run again." in page
    assert "lane-bars" not in page.split("</style>")[1]


def test_what_a_host_calls_itself_is_no_markup(tmp_path: Path) -> None:
    run = run_of(tmp_path, [stay("<script>alert(1)</script>", None, 0, 60)])
    build_report(run.directory, tmp_path / "out")
    assert "<script>alert(1)" not in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7500, "2 h 5 min")],
)
def test_times_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert took(seconds) == told

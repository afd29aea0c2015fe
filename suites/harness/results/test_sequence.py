"""Runs are in the order in which they happened, whatever clocks and names say."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.judging.latest_green import Lane, find_latest_green
from harness.measure.gate import Context
from harness.measure.verdict import Status
from harness.results.failing_since import failing_since
from harness.results.history import load_history
from harness.results.journal import Journal
from harness.results.query import nightly
from harness.results.rows.schema import SessionEndRow
from harness.results.run import Run
from harness.results.run_comparison import compare_runs
from harness.results.runs import latest_run
from harness.results.sequence import (
    COUNTER_NAME,
    LAST,
    clock_sentence,
    next_sequence,
    sequence_of,
)
from harness.results.series import final_frame
from harness.results.stand_in import banners
from harness.results.stored_run import latest_sequence, stored_runs
from reports.past import read_past
from suites.harness.results.made_up import (
    FIRST_NIGHT,
    a_device,
    a_session,
    a_verdict,
    night_id,
    samples,
    write_run,
)
from suites.harness.small_disk import small_disk

NOW = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)


def number(results: Path, now: datetime) -> int:
    return next_sequence(results, now, lambda: latest_sequence(results))


def test_a_number_is_the_time_where_clocks_are_right(tmp_path: Path) -> None:
    assert number(tmp_path, NOW) == sequence_of(NOW)
    assert number(tmp_path, NOW + timedelta(hours=1)) == sequence_of(NOW) + 3_600_000_000


def test_numbers_grow_where_a_clock_was_set_back(tmp_path: Path) -> None:
    first = number(tmp_path, NOW)
    assert number(tmp_path, NOW - timedelta(days=400)) == first + 1
    assert number(tmp_path, datetime(1970, 1, 1, tzinfo=UTC)) == first + 2
    assert number(tmp_path, NOW + timedelta(seconds=1)) == first + 1_000_000


def test_a_store_without_room_gives_numbers_all_the_same(tmp_path: Path) -> None:
    with small_disk(tmp_path / "store", 64) as disk:
        write_run(disk.folder, 0, [], sequence=sequence_of(NOW))
        disk.fill()
        assert number(disk.folder, NOW - timedelta(days=1)) == sequence_of(NOW) + 1


def test_a_copied_store_is_counted_on(tmp_path: Path) -> None:
    """Runs that another machine's tool put there have numbers, too."""
    write_run(tmp_path, 0, [], sequence=sequence_of(NOW))
    assert number(tmp_path, NOW - timedelta(days=1)) == sequence_of(NOW) + 1
    (tmp_path / COUNTER_NAME).unlink()
    assert number(tmp_path, NOW - timedelta(days=1)) == sequence_of(NOW) + 1


def test_sessions_that_begin_at_once_have_distinct_numbers(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda _: number(tmp_path, NOW), range(40)))
    assert len(set(numbers)) == 40


@pytest.mark.parametrize("content", ["", "x", "-5", "\n", "9" * 20, "1.5"])
def test_a_damaged_counter_costs_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / COUNTER_NAME).write_text(content)
    assert sequence_of(NOW) <= number(tmp_path, NOW) <= LAST


def test_what_somebody_put_in_the_counters_place_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / COUNTER_NAME)
    with pytest.raises(UserError, match="is a FIFO"):
        number(tmp_path, NOW)


@pytest.fixture
def set_back(tmp_path: Path) -> Path:
    """Nights 5, 6 and 7 by their names; they happened as 6, 7, 5: a clock was set back."""
    first = sequence_of(NOW)
    for place, (night, value, status) in enumerate(
        [(6, 100.0, Status.PASS), (7, 110.0, Status.FAIL), (5, 120.0, Status.FAIL)]
    ):
        rows = [a_device(), *samples([value] * 5), a_verdict(status)]
        write_run(tmp_path, night, rows, int(status is Status.FAIL), sequence=first + place)
    return tmp_path


def test_the_latest_run_is_the_one_that_happened_last(set_back: Path) -> None:
    assert [run.run_id for run in stored_runs(set_back)] == [night_id(n) for n in (6, 7, 5)]
    assert latest_run(set_back).name == night_id(5)


def test_nights_trends_and_failures_follow_what_happened(set_back: Path) -> None:
    history = load_history(set_back)
    assert history.runs["run_id"].tolist() == [night_id(n) for n in (6, 7, 5)]
    points = nightly(history.samples, history.verdicts)
    assert points["median"].tolist() == [100.0, 110.0, 120.0]
    run = Run.read(set_back / night_id(5))
    [since] = failing_since(history.verdicts, run.run_id, run.verdicts).values()
    assert (since.since, since.runs, since.last_passed) == (night_id(7), 2, night_id(6))
    past = read_past(run)
    assert [night.run_id for night in past.nights] == [night_id(n) for n in (6, 7, 5)]
    [first, second] = read_past(Run.read(set_back / night_id(7))).nights
    assert (first.run_id, second.run_id) == (night_id(6), night_id(7))


def test_the_last_green_run_is_the_one_that_happened_last(tmp_path: Path) -> None:
    for place, night in enumerate((6, 5)):
        rows = [a_device(), *samples([100.0] * 5), a_verdict(Status.PASS)]
        write_run(tmp_path, night, rows, sequence=sequence_of(NOW) + place)
    lane = Lane(Context("tiny_smolvlm", "host", None, "kv", "fp32"), "host-5ca1ab1e")
    found = find_latest_green(tmp_path, lane).found
    assert found is not None
    assert found.run_id == night_id(5)


@pytest.mark.parametrize("sessions", [2, 11])
@pytest.mark.parametrize("is_numbered", [True, False])
def test_sessions_of_a_run_count_in_the_order_in_which_they_happened(
    tmp_path: Path, sessions: int, is_numbered: bool
) -> None:
    folder = tmp_path / night_id(0)
    for number in range(1, sessions + 1):
        worker = "main" if number == 1 else f"main-{number}"
        told = {"sequence": sequence_of(NOW) + number} if is_numbered else {}
        with Journal(folder, worker) as journal:
            start = {"worker": worker, "started_at": NOW - timedelta(hours=number)}
            journal.append(a_session(folder.name, git_commit=worker, **start, **told))
            journal.append(a_verdict(Status.PASS if number == sessions else Status.FAIL))
            journal.append(SessionEndRow(exit_status=int(number < sessions)))
    run, history = Run.read(folder), load_history(tmp_path)
    assert [row.worker for row in run.sessions[:2]] == ["main", "main-2"]
    assert run.sessions[-1].worker == f"main-{sessions}"
    assert history.runs["git_commit"].tolist() == ["main"]
    assert [row.status for row in run.judged] == [Status.PASS]
    assert final_frame(history.verdicts)["status"].tolist() == [Status.PASS]


def test_runs_are_compared_as_their_first_sessions_were_begun(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [], git_commit="first")
    folder = tmp_path / night_id(0)
    with Journal(folder, "main-2") as journal:
        earlier = FIRST_NIGHT - timedelta(days=1)
        journal.append(
            a_session(folder.name, worker="main-2", started_at=earlier, git_commit="second")
        )
    write_run(tmp_path, 1, [], git_commit="other")
    found = compare_runs(load_history(tmp_path), night_id(0), night_id(1)).differences
    [commit] = [one for one in found if one.name == "commit"]
    assert (commit.before, commit.after) == ("first", "other")


def test_since_asks_when_a_run_happened(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [], sequence=sequence_of(NOW))
    assert len(load_history(tmp_path, NOW - timedelta(hours=1)).runs) == 1


def test_runs_without_numbers_keep_their_order_among_those_with(tmp_path: Path) -> None:
    for night in (2, 0, 1):
        write_run(tmp_path, night, [])
    write_run(tmp_path, 3, [], sequence=sequence_of(NOW))
    assert [run.run_id for run in stored_runs(tmp_path)] == [night_id(n) for n in range(4)]


def test_a_number_of_no_moment_is_left_out(tmp_path: Path) -> None:
    path = write_run(tmp_path, 0, []) / "rows-main.jsonl"
    for bad in ("1e400", "-1", "true", '"x"', str(10**30), "[]"):
        text = path.read_text()
        path.write_text(text.replace('"sequence":null', f'"sequence":{bad}', 1))
        [run] = stored_runs(tmp_path)
        assert run.sequence <= LAST
        path.write_text(text)


def test_a_clock_that_was_set_back_is_said(tmp_path: Path) -> None:
    behind = sequence_of(NOW + timedelta(hours=3, minutes=5))
    run = Run.read(write_run(tmp_path, 0, [], started_at=NOW, sequence=behind))
    [told] = banners(run)
    assert told.startswith("This machine's clock said 2026-11-29 14:00 and was 3 h 5 min behind")


@pytest.mark.parametrize("ahead_s", [None, 0, 1, 59])
def test_clocks_that_differ_by_little_are_no_news(ahead_s: int | None) -> None:
    number = None if ahead_s is None else sequence_of(NOW + timedelta(seconds=ahead_s))
    assert clock_sentence(NOW, number) is None

"""What becomes of jobs while hosts, phones and the scheduler itself come and go."""

from __future__ import annotations

import pytest

from harness.farm.demand import Demand, Host, OfferedPhone
from harness.farm.dispatcher import IMPOSSIBLE_S, MOST_DEATHS, Dispatcher
from harness.farm.job import Job
from harness.farm.order import Assignment, FarmNight, JobOrder, JobOutcome, JobState

PHONES = (OfferedPhone(serialno="P0", soc="SM8550"), OfferedPhone(serialno="P1", soc="SM8550"))
BENCH = Host(name="bench", cores=4, memory_gib=16, phones=PHONES)
LAB = Host(name="lab", cores=4, memory_gib=16)
STORED = JobOutcome(kind="stored", exit_status=0)


def order(name: str, soc: str | None = None, after: tuple[str, ...] = ()) -> JobOrder:
    job = Job(
        kind="session", commit="c0ffee", model=name, mode="kv", precision="fp32", target="host"
    )
    return JobOrder(job=job, demand=Demand(soc=soc), expected_s=10.0, after=after)


def night(*orders: JobOrder, name: str = "night", owner: str = "ada") -> FarmNight:
    return FarmNight(name=name, owner=owner, orders=orders)


def state(dispatcher: Dispatcher, asked: JobOrder) -> JobState:
    return next(one for one in dispatcher.states() if one.key == asked.job.key)


@pytest.fixture
def dispatcher() -> Dispatcher:
    made = Dispatcher()
    made.host_reports(BENCH, ())
    return made


def test_a_job_is_given_away_once_and_ends_stored(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.submit(night(asked), {})
    assert dispatcher.assignments(0.0) == [("bench", Assignment(order=asked))]
    assert dispatcher.assignments(1.0) == []
    dispatcher.ended(asked.job.key, "bench", STORED, 2.0)
    assert state(dispatcher, asked).state == "stored"
    assert state(dispatcher, asked).exit_status == 0


def test_what_the_store_knows_is_not_done_again(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.submit(night(asked), {asked.job.key: 10})
    assert dispatcher.assignments(0.0) == []
    assert state(dispatcher, asked).exit_status == 10


def test_jobs_of_a_host_that_is_lost_go_to_another(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.submit(night(asked), {})
    dispatcher.assignments(0.0)
    dispatcher.host_left("bench")
    assert "bench was lost" in state(dispatcher, asked).said
    assert "no host has joined" in state(dispatcher, asked).said
    dispatcher.host_reports(LAB, ())
    assert [host for host, _ in dispatcher.assignments(1.0)] == ["lab"]


def test_what_a_lost_host_stored_after_all_counts(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.submit(night(asked), {})
    dispatcher.assignments(0.0)
    dispatcher.host_left("bench")
    dispatcher.ended(asked.job.key, "bench", STORED, 1.0)
    assert state(dispatcher, asked).state == "stored"


def test_what_a_lost_host_says_otherwise_does_not(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.submit(night(asked), {})
    dispatcher.assignments(0.0)
    dispatcher.host_left("bench")
    dispatcher.host_reports(LAB, ())
    dispatcher.assignments(1.0)
    dispatcher.ended(asked.job.key, "bench", JobOutcome(kind="refused", said="no"), 2.0)
    assert state(dispatcher, asked).state == "running"
    assert state(dispatcher, asked).host == "lab"


def test_a_phone_that_broke_gives_its_job_to_another_and_says_so(dispatcher: Dispatcher) -> None:
    asked = order("model", soc="SM8550")
    dispatcher.submit(night(asked), {})
    [(_, first)] = dispatcher.assignments(0.0)
    assert first.serialno is not None
    gone = JobOutcome(kind="phone broke", said="it is no longer at bench")
    dispatcher.ended(asked.job.key, "bench", gone, 1.0)
    [(_, second)] = dispatcher.assignments(2.0)
    assert {first.serialno, second.serialno} == {"P0", "P1"}
    assert f"{first.serialno} broke under it" in state(dispatcher, asked).said
    assert not first.takes_blocked
    assert second.takes_blocked
    dispatcher.ended(asked.job.key, "bench", gone, 3.0)
    assert dispatcher.assignments(4.0) == []
    assert state(dispatcher, asked).state == "failed"
    assert "broke under it" in state(dispatcher, asked).said


def test_a_job_that_dies_again_and_again_is_given_up(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.submit(night(asked), {})
    for _ in range(MOST_DEATHS):
        assert len(dispatcher.assignments(0.0)) == 1
        dispatcher.ended(asked.job.key, "bench", JobOutcome(kind="died", said="killed"), 1.0)
    assert dispatcher.assignments(2.0) == []
    assert state(dispatcher, asked).state == "failed"
    assert state(dispatcher, asked).said == "killed"


def test_a_job_that_a_host_refuses_is_tried_at_the_others(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.host_reports(LAB, ())
    dispatcher.submit(night(asked), {})
    hosts = []
    for at in range(2):
        [(host, _)] = dispatcher.assignments(float(at))
        hosts.append(host)
        dispatcher.ended(asked.job.key, host, JobOutcome(kind="refused", said=f"no {host}"), 1.0)
    assert sorted(hosts) == ["bench", "lab"]
    assert dispatcher.assignments(3.0) == []
    assert state(dispatcher, asked).state == "failed"
    assert state(dispatcher, asked).said == f"no {hosts[1]}"


def test_what_no_host_can_run_fails_after_a_while_and_not_while_none_is_there() -> None:
    asked = order("model", soc="SM8850")
    dispatcher = Dispatcher()
    dispatcher.submit(night(asked), {})
    dispatcher.assignments(0.0)
    dispatcher.assignments(IMPOSSIBLE_S + 1)
    assert state(dispatcher, asked).state == "waiting"
    dispatcher.host_reports(BENCH, ())
    dispatcher.assignments(100.0)
    assert "no phone has SM8850" in state(dispatcher, asked).said
    dispatcher.assignments(99.0 + IMPOSSIBLE_S)
    assert state(dispatcher, asked).state == "waiting"
    dispatcher.assignments(100.0 + IMPOSSIBLE_S)
    assert state(dispatcher, asked).state == "failed"


def test_what_failed_or_was_lost_is_tried_anew_on_another_night(dispatcher: Dispatcher) -> None:
    failed, lost = order("failed"), order("lost")
    dispatcher.submit(night(failed, lost), {})
    dispatcher.assignments(0.0)
    dispatcher.ended(failed.job.key, "bench", JobOutcome(kind="refused", said="no"), 1.0)
    dispatcher.ended(lost.job.key, "bench", STORED, 1.0)
    dispatcher.submit(night(failed, lost), {})
    assert dispatcher.assignments(2.0) == []
    dispatcher.submit(night(failed, lost, name="next"), {})
    assert len(dispatcher.assignments(3.0)) == 2


def test_sessions_wait_for_their_export_and_fail_with_it(dispatcher: Dispatcher) -> None:
    export = order("export")
    session = order("session", after=(export.job.key,))
    dispatcher.submit(night(export, session), {})
    assert [one.order for _, one in dispatcher.assignments(0.0)] == [export]
    assert state(dispatcher, session).state == "blocked"
    dispatcher.ended(export.job.key, "bench", STORED, 1.0)
    assert [one.order for _, one in dispatcher.assignments(2.0)] == [session]

    failing = Dispatcher()
    failing.host_reports(BENCH, ())
    failing.submit(night(export, session), {})
    failing.assignments(0.0)
    failing.ended(export.job.key, "bench", JobOutcome(kind="refused", said="no"), 1.0)
    assert state(failing, session).state == "failed"
    assert "did not end well" in state(failing, session).said


def test_a_new_scheduler_takes_over_what_hosts_do(dispatcher: Dispatcher) -> None:
    asked = order("model", soc="SM8550")
    dispatcher.submit(night(asked), {})
    [(_, given)] = dispatcher.assignments(0.0)
    again = Dispatcher()
    again.host_reports(BENCH, (given,))
    again.submit(night(asked), {})
    assert again.adopt(1.0) == [("bench", given)]
    assert again.adopt(2.0) == []
    assert again.assignments(3.0) == []
    assert state(again, asked).serialno == given.serialno


def test_a_phone_that_somebody_uses_whom_nobody_knows_is_not_given_away() -> None:
    """A night that the new scheduler was not asked for again still holds its phone."""
    foreign = Assignment(order=order("foreign", soc="SM8550"), serialno="P0")
    dispatcher = Dispatcher()
    dispatcher.host_reports(BENCH, (foreign,))
    dispatcher.submit(night(*(order(f"m{at}", soc="SM8550") for at in range(2))), {})
    assert [one.serialno for _, one in dispatcher.assignments(0.0)] == ["P1"]
    dispatcher.host_reports(BENCH, ())
    assert [one.serialno for _, one in dispatcher.assignments(1.0)] == ["P0"]


def test_two_nights_that_want_the_same_get_it_once(dispatcher: Dispatcher) -> None:
    asked = order("model")
    dispatcher.submit(night(asked), {})
    dispatcher.submit(night(asked, name="other", owner="bob"), {})
    assert len(dispatcher.assignments(0.0)) == 1
    dispatcher.ended(asked.job.key, "bench", STORED, 1.0)
    for name in ("night", "other"):
        assert [one.state for one in dispatcher.states(name)] == ["stored"]


def test_what_nobody_wants_any_more_is_dropped_and_what_runs_goes_on(
    dispatcher: Dispatcher,
) -> None:
    running, waiting, shared = order("model"), order("waits", soc="SM8850"), order("shared")
    dispatcher.submit(night(running, waiting), {})
    dispatcher.assignments(0.0)
    dispatcher.submit(night(shared), {})
    dispatcher.submit(night(shared, name="other"), {})
    dispatcher.forget("night")
    assert {one.key for one in dispatcher.states()} == {running.job.key, shared.job.key}
    dispatcher.ended(running.job.key, "bench", STORED, 1.0)
    assert {one.key for one in dispatcher.states()} == {shared.job.key}

"""``--again`` runs anew what is whole, and continues what is not."""

from __future__ import annotations

from pathlib import Path

from harness.farm.demand import Demand
from harness.farm.job import Job
from harness.farm.job_end import JobEnd
from harness.farm.order import JobOrder
from harness.farm.rounds import in_their_round
from harness.farm.store import FarmStore
from harness.results.rows.basics import utc_now


def order(name: str, after: tuple[str, ...] = ()) -> JobOrder:
    job = Job(
        kind="session", commit="c0ffee", model=name, mode="kv", precision="fp32", target="host"
    )
    return JobOrder(job=job, demand=Demand(), expected_s=1.0, after=after)


def end(store: FarmStore, job: Job) -> None:
    now = utc_now()
    store.put_end(
        JobEnd(
            job=job,
            exit_status=0,
            files=(),
            log=None,
            host="bench",
            serialno=None,
            started_at=now,
            ended_at=now,
        )
    )


EXPORT = order("export")
ORDERS = {EXPORT: (), order("session", (EXPORT.job.key,)): ("test",)}


def rounds_of(store: FarmStore, *, again: bool) -> set[int]:
    moved = in_their_round(ORDERS, store, again=again)
    assert list(moved.values()) == list(ORDERS.values())
    export, session = moved
    assert session.after == (export.job.key,)
    return {one.job.round for one in moved}


def test_rounds_go_on_until_they_are_whole_and_begin_when_asked_for(tmp_path: Path) -> None:
    store = FarmStore(str(tmp_path))
    for number in range(3):
        assert rounds_of(store, again=True) == {number}
        export, session = in_their_round(ORDERS, store, again=True)
        end(store, export.job)
        assert rounds_of(store, again=True) == rounds_of(store, again=False) == {number}
        end(store, session.job)
        # The session that asked was interrupted: the next one has all of it, and takes it.
        assert rounds_of(store, again=True) == rounds_of(store, again=False) == {number}
        store.take([export.job.key, session.job.key])
        assert rounds_of(store, again=False) == {number}

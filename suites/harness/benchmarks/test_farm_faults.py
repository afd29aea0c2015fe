"""Faults are drawn by their seed, networks are cut and mended, and what is left is counted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.farm_faults.link import Link
from benchmarks.farm_faults.plan import KINDS, draw
from benchmarks.farm_faults.tally import tally
from harness.farm.demand import Demand
from harness.farm.job import Job
from harness.farm.job_end import JobEnd
from harness.farm.order import JobOrder
from harness.farm.store import FarmStore
from harness.results.journal import Journal
from harness.results.provenance import describe_host
from harness.results.rows.basics import utc_now
from harness.results.rows.schema import OutcomeRow, SessionEndRow, SessionRow

PATIENCE_S = 10.0
AT_ONCE_S = 0.3


@given(seed=st.integers(0, 1000), count=st.integers(len(KINDS), 300))
def test_a_seed_draws_the_same_faults_of_every_kind(seed: int, count: int) -> None:
    faults = draw(seed, count)
    assert faults == draw(seed, count)
    assert len(faults) == count
    assert {fault.kind for fault in faults} == KINDS.keys()
    for fault in faults:
        shortest, longest = KINDS[fault.kind].lasts_s
        assert shortest <= fault.lasts_s <= longest
        assert 0 <= fault.choice < 1


def test_fewer_faults_than_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="3 faults cannot be of 8 kinds"):
        draw(1, 3)


@pytest.fixture
def echo() -> Iterator[int]:
    """Port that answers what it is told."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while told := connection.recv(100):
                    connection.sendall(told)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), PATIENCE_S)


def test_a_link_carries_until_it_is_cut_and_again_when_it_is_mended(echo: int) -> None:
    with Link(echo) as link, connect(link) as before:
        before.sendall(b"there")
        assert before.recv(100) == b"there"
        link.cut()
        with pytest.raises(ConnectionResetError):
            before.recv(100)
        with pytest.raises(ConnectionResetError), connect(link) as during:
            during.recv(100)
        link.mend()
        with connect(link) as after:
            after.sendall(b"again")
            assert after.recv(100) == b"again"


def test_a_silent_link_tells_nobody_and_carries_what_was_said_later(echo: int) -> None:
    with Link(echo) as link, connect(link) as client:
        client.sendall(b"a")
        assert client.recv(100) == b"a"
        link.silence()
        client.sendall(b"b")
        client.settimeout(AT_ONCE_S)
        with pytest.raises(TimeoutError):
            client.recv(100)
        link.mend()
        client.settimeout(PATIENCE_S)
        assert client.recv(100) == b"b"


def test_a_link_whose_target_is_gone_lets_nobody_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Link(port) as link, pytest.raises(ConnectionResetError), connect(link) as client:
        client.recv(100)


def job_end(store: FarmStore, folder: Path, at: int, outcomes: Sequence[str]) -> JobEnd:
    """A session of some tests, as a job leaves it in the store."""
    run_id = f"20261130T01020{at}Z-abcdef"
    with Journal(folder / str(at) / run_id, "main") as journal:
        journal.append(
            SessionRow(
                run_id=run_id,
                argv=("pytest",),
                options={},
                versions={},
                host=describe_host(),
                git_commit=None,
                worker="main",
                planned=len(outcomes),
                sequence=1,
            )
        )
        for outcome in outcomes:
            journal.append(
                OutcomeRow(
                    test_id=f"suites/robustness/test.py::test[{at}]",
                    target="phone",
                    outcome=outcome,
                    duration_s=1.0,
                    rerun_command="pytest",
                )
            )
        journal.append(SessionEndRow(exit_status=0))
    files = [
        store.put_file(path).model_copy(update={"path": f"{run_id}/{path.name}"})
        for path in (folder / str(at) / run_id).glob("rows-*.jsonl")
    ]
    return JobEnd(
        job=order(at).job,
        exit_status=0,
        files=tuple(files),
        log=None,
        host="ada",
        serialno="P0",
        started_at=utc_now(),
        ended_at=utc_now(),
    )


def order(at: int) -> JobOrder:
    job = Job(
        kind="session",
        commit="c",
        model="m",
        mode="kv",
        precision=f"fp32 {at}",
        target="phone",
        suite="robustness",
    )
    return JobOrder(job=job, demand=Demand(), expected_s=1.0)


@pytest.mark.parametrize(
    ("left", "lost", "doubled", "disturbed"),
    [
        ([["passed"], ["passed"], ["passed"]], 0, 0, 0),
        ([["passed"], None, ["passed"]], 1, 0, 0),
        ([["passed"], [], ["passed", "passed"]], 1, 1, 0),
        ([["passed"], ["failed"], ["passed"]], 0, 0, 1),
    ],
)
def test_what_is_lost_counted_twice_or_changed_is_told_apart(
    tmp_path: Path, left: list[list[str] | None], lost: int, doubled: int, disturbed: int
) -> None:
    store = FarmStore(str(tmp_path / "store"))
    orders = [order(at) for at in range(len(left))]
    ends = {
        orders[at].job.key: job_end(store, tmp_path, at, outcomes)
        for at, outcomes in enumerate(left)
        if outcomes is not None
    }
    told = tally(orders, ends, store, tmp_path / "results" / "20261130T020304Z-abcdef")
    assert (len(told.lost), told.doubled, len(told.disturbed)) == (lost, doubled, disturbed)

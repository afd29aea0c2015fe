"""What may run beside what, and that nothing waits for no reason."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.farm.demand import Demand, Host, OfferedPhone, can_ever_run
from harness.farm.host_load import Running, Waiting, fits
from harness.farm.placement import Start, place

SOCS = ("SM8550", "SM8650")

phones = st.lists(
    st.builds(
        OfferedPhone,
        serialno=st.sampled_from([f"P{at}" for at in range(30)]),
        soc=st.sampled_from(SOCS),
        labels=st.frozensets(st.sampled_from(["nightly", "old"])),
        aside=st.sampled_from([None, None, "cracked"]),
    ),
    max_size=12,
    unique_by=lambda phone: phone.serialno,
)
demands = st.builds(
    Demand,
    soc=st.sampled_from([None, *SOCS]),
    labels=st.frozensets(st.sampled_from(["nightly"])),
    cores=st.sampled_from([0.25, 1.0, 2.0]),
    memory_gib=st.sampled_from([1.0, 8.0]),
    measures=st.booleans(),
)


@st.composite
def farms(draw: st.DrawFn) -> tuple[Host, ...]:
    dealt = draw(phones)
    count = draw(st.integers(1, 4))
    return tuple(
        Host(
            name=f"h{at}",
            cores=draw(st.sampled_from([2.0, 8.0])),
            memory_gib=draw(st.sampled_from([4.0, 16.0])),
            phones=tuple(dealt[at::count]),
        )
        for at in range(count)
    )


queues = st.lists(
    st.builds(
        Waiting,
        key=st.uuids().map(str),
        demand=demands,
        expected_s=st.floats(1, 1000),
        owner=st.sampled_from(["ada", "bob"]),
        broke=st.frozensets(st.sampled_from(["P0", "P1"])),
    ),
    max_size=30,
    unique_by=lambda job: job.key,
)


def begun(starts: tuple[Start, ...], queue: list[Waiting]) -> dict[str, list[Running]]:
    waiting = {job.key: job for job in queue}
    running: dict[str, list[Running]] = defaultdict(list)
    for start in starts:
        job = waiting[start.key]
        running[start.host].append(
            Running(job.key, job.demand, job.expected_s, job.owner, start.serialno)
        )
    return running


@settings(max_examples=200, deadline=None)
@given(farms(), queues)
def test_nothing_is_given_more_than_there_is(hosts: tuple[Host, ...], queue: list[Waiting]) -> None:
    starts = place(queue, hosts, {}, {}, 0.0)
    assert len({start.key for start in starts}) == len(starts)
    serials = [start.serialno for start in starts if start.serialno]
    assert len(serials) == len(set(serials))
    running, waiting = begun(starts, queue), {job.key: job for job in queue}
    for host in hosts:
        jobs = [one.demand for one in running[host.name]]
        assert sum(one.cores for one in jobs) <= host.cores
        assert sum(one.memory_gib for one in jobs) <= host.memory_gib
        if any(one.wants_host_alone for one in jobs):
            assert len(jobs) == 1
        if any(one.measures for one in jobs):
            assert len(jobs) == 1 or not any(one.is_heavy for one in jobs)
    of_serial = {phone.serialno: phone for host in hosts for phone in host.phones}
    for start in starts:
        demand = waiting[start.key].demand
        assert (start.serialno is None) == (demand.soc is None)
        if start.serialno is not None:
            phone = of_serial[start.serialno]
            assert phone.soc == demand.soc
            assert phone.aside is None
            assert demand.labels <= phone.labels
            assert start.serialno not in waiting[start.key].broke


@settings(max_examples=200, deadline=None)
@given(farms(), queues)
def test_a_job_that_an_idle_farm_can_run_starts_there(
    hosts: tuple[Host, ...], queue: list[Waiting]
) -> None:
    for job in queue:
        able = any(
            can_ever_run(job.demand, host)
            and (
                job.demand.soc is None
                or any(
                    can_ever_run(job.demand, host.model_copy(update={"phones": (phone,)}))
                    and phone.serialno not in job.broke
                    for phone in host.phones
                )
            )
            for host in hosts
        )
        assert bool(place([job], hosts, {}, {}, 0.0)) == able


@settings(max_examples=200, deadline=None)
@given(farms(), queues)
def test_the_first_of_a_queue_never_waits_where_it_could_start(
    hosts: tuple[Host, ...], queue: list[Waiting]
) -> None:
    """Whatever is kept for others, the job that goes first is not kept from a host that is free."""
    if not queue:
        return
    own = [job for job in queue if job.owner == "ada"]
    if not own:
        return
    first = max(own, key=lambda job: (job.expected_s, job.key))
    starts = place(own, hosts, {}, {}, 0.0)
    alone = place([first], hosts, {}, {}, 0.0)
    assert bool(alone) == (first.key in {start.key for start in starts})


PHONE = OfferedPhone(serialno="P0", soc="SM8550")
OTHER = OfferedPhone(serialno="P1", soc="SM8550")
HOST = Host(name="bench", cores=4, memory_gib=16, phones=(PHONE, OTHER))


def test_longest_first_and_what_others_wait_for_counts() -> None:
    one = HOST.model_copy(update={"phones": (PHONE,)})
    queue = [
        Waiting("short", Demand(soc="SM8550"), 10),
        Waiting("long", Demand(soc="SM8550"), 30),
        Waiting("leads", Demand(soc="SM8550"), 5, behind_s=60),
    ]
    assert [start.key for start in place(queue, [one], {}, {}, 0.0)] == ["leads"]
    assert [start.key for start in place(queue[:2], [one], {}, {}, 0.0)] == ["long"]


def test_owners_take_turns_by_what_they_had() -> None:
    queue = [Waiting(f"{owner}{at}", Demand(soc="SM8550"), 10, owner) for owner in ("ada", "bob")
             for at in range(3)]  # fmt: skip
    starts = place(queue, [HOST], {}, {}, 0.0)
    assert {start.key[:3] for start in starts} == {"ada", "bob"}
    starts = place(queue, [HOST], {}, {"ada": 100.0}, 0.0)
    assert {start.key[:3] for start in starts} == {"bob"}


def test_a_job_meets_the_same_phone_every_night_and_few_move_with_a_new_one() -> None:
    phones = tuple(OfferedPhone(serialno=f"P{at}", soc="SM8550") for at in range(10))

    def phone_of(name: str, there: tuple[OfferedPhone, ...]) -> str | None:
        host = HOST.model_copy(update={"phones": there})
        [start] = place([Waiting("key", Demand(soc="SM8550"), 10, name=name)], [host], {}, {}, 0.0)
        return start.serialno

    names = [f"perf model{at}" for at in range(50)]
    before = {name: phone_of(name, phones[:9]) for name in names}
    assert before == {name: phone_of(name, phones[8::-1]) for name in names}
    after = {name: phone_of(name, phones) for name in names}
    assert {after[name] for name in names if after[name] != before[name]} <= {"P9"}
    assert len(set(before.values())) > 5


def test_a_host_is_kept_for_who_needs_all_of_it() -> None:
    """Else a stream of small jobs would keep a measurement of this host out for ever."""
    host = Host(name="lab", cores=4, memory_gib=16)
    running = {"lab": [Running("old", Demand(), ends_at_s=100.0)]}
    measuring = Waiting("measures", Demand(measures=True, cores=4), 1000)
    queue = [measuring, Waiting("small", Demand(), 150), Waiting("tiny", Demand(), 50)]
    assert [start.key for start in place(queue, [host], running, {}, 0.0)] == ["tiny"]
    assert not fits(measuring.demand, host, running["lab"])

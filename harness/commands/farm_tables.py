"""What a farm has and does, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from harness.farm.demand import Host
from harness.farm.order import JobState

_CELLS = 8
_BUSY, _FREE = "█", "░"


def host_table(hosts: Sequence[Host], states: Sequence[JobState]) -> Table:
    """Who is there, and how much of phones, processors and memory is in use, as bars."""
    table = Table(title="hosts", show_edge=False, pad_edge=False)
    for column in ("host", "phones", "processors", "GiB", "QNN", "jobs"):
        table.add_column(column, overflow="fold")
    for host in hosts:
        running = [one for one in states if one.state == "running" and one.host == host.name]
        busy = sum(one.serialno is not None for one in running)
        table.add_row(
            host.name,
            _bar(busy, len(host.phones)),
            _bar(sum(one.cores for one in running), host.cores),
            _bar(sum(one.memory_gib for one in running), host.memory_gib),
            host.qnn or "none",
            str(len(running)),
        )
    return table


def phone_table(hosts: Sequence[Host], states: Sequence[JobState]) -> Table:
    """Which phone is where, and what it does."""
    running = {one.serialno: one for one in states if one.state == "running"}
    table = Table(title="phones", show_edge=False, pad_edge=False)
    for column in ("phone", "SoC", "host", "labels", "does"):
        table.add_column(column, overflow="fold")
    for host in hosts:
        for phone in host.phones:
            one = running.get(phone.serialno)
            idle = f"nothing, it is set aside: {phone.aside}" if phone.aside else "nothing"
            table.add_row(
                phone.serialno,
                phone.soc,
                host.name,
                ", ".join(sorted(phone.labels)),
                one.described if one is not None else idle,
            )
    return table


def job_table(states: Sequence[JobState]) -> Table:
    """What runs and waits, and why; what is stored is counted."""
    stored = sum(one.state == "stored" for one in states)
    table = Table(
        title=f"jobs of open sessions; {stored} of them stored", show_edge=False, pad_edge=False
    )
    for column in ("key", "state", "job", "where", "why"):
        table.add_column(column, overflow="fold")
    for one in states:
        if one.state != "stored":
            where = " ".join(filter(None, (one.host, one.serialno)))
            table.add_row(one.key, one.state, one.described, where, one.said)
    return table


def _bar(used: float, there: float) -> str:
    """``████░░░░ 2 of 4``; nothing where there is nothing."""
    if not there:
        return "none"
    full = min(_CELLS, round(_CELLS * used / there))
    # What is in use at all is seen.
    full = max(full, int(used > 0))
    return f"{_BUSY * full}{_FREE * (_CELLS - full)} {used:.3g} of {there:.3g}"

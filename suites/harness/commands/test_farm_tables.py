"""What ``farm status`` shows: how busy hosts are, what phones do, what jobs wait for."""

from __future__ import annotations

from io import StringIO

from rich.table import Table

from harness.commands.farm_tables import host_table, job_table, phone_table
from harness.console import PlainConsole
from harness.farm.demand import Host, OfferedPhone
from harness.farm.order import JobState

HOSTS = (
    Host(
        name="ada",
        cores=4,
        memory_gib=16,
        phones=(
            OfferedPhone(serialno="P0", soc="SM8650", labels=frozenset({"new", "nightly"})),
            OfferedPhone(serialno="P1", soc="SM8550", aside="P1 is swollen"),
        ),
        qnn="v2.47",
    ),
    Host(name="builder", cores=16, memory_gib=0),
)
STATES = (
    JobState(
        key="k0",
        described="perf: smolvlm_500m",
        state="running",
        host="ada",
        serialno="P0",
        cores=0.25,
        memory_gib=4,
    ),
    JobState(key="k1", described="export: smolvlm_500m", state="running", host="builder", cores=8),
    JobState(key="k2", described="size: tiny", state="waiting", said="hosts are busy"),
    JobState(key="k3", described="size: small", state="stored", exit_status=0),
)


def shown(table: Table) -> list[list[str]]:
    """Cells of each line."""
    file = StringIO()
    PlainConsole(file=file, width=200).print(table)
    return [[cell.strip() for cell in line.split("│")] for line in file.getvalue().splitlines()]


def test_hosts_show_how_busy_they_are_as_bars() -> None:
    lines = shown(host_table(HOSTS, STATES))
    assert [
        "ada",
        "████░░░░ 1 of 2",
        "█░░░░░░░ 0.25 of 4",
        "██░░░░░░ 4 of 16",
        "v2.47",
        "1",
    ] in lines
    assert ["builder", "none", "████░░░░ 8 of 16", "none", "none", "1"] in lines


def test_phones_show_what_they_do() -> None:
    lines = shown(phone_table(HOSTS, STATES))
    assert ["P0", "SM8650", "ada", "new, nightly", "perf: smolvlm_500m"] in lines
    assert ["P1", "SM8550", "ada", "", "nothing, it is set aside: P1 is swollen"] in lines


def test_jobs_show_what_they_wait_for_and_count_what_is_stored() -> None:
    lines = shown(job_table(STATES))
    assert any("jobs of open sessions; 1 of them stored" in line[0] for line in lines)
    assert ["k0", "running", "perf: smolvlm_500m", "ada P0", ""] in lines
    assert ["k2", "waiting", "size: tiny", "", "hosts are busy"] in lines
    assert not any("k3" in line for line in lines)

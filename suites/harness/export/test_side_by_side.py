"""Components are built at the same time where that gains something, and end together."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from harness.export.needs import ArtifactNeed, Need
from harness.export.side_by_side import (
    ExportOver,
    ExportProcesses,
    at_once,
    build_side_by_side,
)
from harness.machine_memory import MemoryRoom

GIB = 2**30
DECODER = Need("text_decoder", 3_000, 120.0, 1, "smolvlm_500m")
ENCODER = Need("vision_encoder", 1_000, 30.0, 1, "smolvlm_500m")
QUICK = Need("token_embedding", 1_000, 8.0, 1, "smolvlm_500m")
Tell = Callable[[str], None]


@pytest.mark.parametrize(
    ("needs", "available_gib", "cores", "workers"),
    [
        pytest.param((DECODER, ENCODER, QUICK), 8, 2, 2, id="both fit"),
        pytest.param((DECODER, ENCODER, QUICK), 4, 2, 1, id="no memory for both"),
        pytest.param((DECODER, ENCODER, QUICK), 8, 1, 1, id="one core"),
        pytest.param((DECODER, QUICK), 8, 2, 1, id="not worth it"),
        pytest.param((DECODER,), 8, 2, 1, id="one component"),
    ],
)
def test_two_at_a_time_where_cores_and_memory_allow(
    needs: tuple[Need, ...], available_gib: int, cores: int, workers: int
) -> None:
    assert at_once(ArtifactNeed(needs), MemoryRoom(available_gib * GIB), cores) == workers


def meet(barrier: threading.Barrier, name: str, tell: Tell) -> str:
    tell("begun")
    barrier.wait(60)
    tell("built")
    return name.upper()


def test_two_run_at_the_same_time_and_report_where_they_were_asked_for() -> None:
    told: list[tuple[str, str, int]] = []
    barrier = threading.Barrier(2)
    found = build_side_by_side(
        {name: partial(meet, barrier, name) for name in ("b", "a")},
        lambda name, stage: told.append((name, stage, threading.get_ident())),
        ExportProcesses(),
        workers=2,
    )
    assert list(found.items()) == [("b", "B"), ("a", "A")]
    assert {(name, stage) for name, stage, _ in told} == {
        (name, stage) for name in "ab" for stage in ("begun", "built")
    }
    assert {thread for *_, thread in told} == {threading.get_ident()}


def test_one_worker_builds_in_order() -> None:
    order: list[str] = []

    def build(name: str, tell: Tell) -> None:
        order.append(name)

    names = ("c", "a", "b")
    build_side_by_side(
        {name: partial(build, name) for name in names}, lambda *_: None, ExportProcesses(), 1
    )
    assert order == list(names)


def run(processes: ExportProcesses, ended: list[int], tell: Tell) -> None:
    command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            with processes.running(process):
                tell("running")
                ended.append(process.wait())
        finally:
            process.kill()


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt])
def test_what_ends_one_ends_all(raised: type[BaseException]) -> None:
    """A failure of another one, or Ctrl-C while somebody waits."""
    processes, ended, begun = ExportProcesses(), list[int](), list[str]()

    def report(name: str, stage: str) -> None:
        raise raised

    def never(tell: Tell) -> None:
        begun.append("never")

    started = time.monotonic()
    with pytest.raises(raised):
        build_side_by_side(
            {"a": partial(run, processes, ended), "b": never}, report, processes, workers=1
        )
    assert time.monotonic() - started < 300
    assert (ended, begun) == ([-9], [])
    with pytest.raises(ExportOver):
        processes.check()


def test_no_process_begins_behind_the_end() -> None:
    processes = ExportProcesses()
    processes.end()
    with pytest.raises(ExportOver):
        run(processes, [], lambda stage: None)

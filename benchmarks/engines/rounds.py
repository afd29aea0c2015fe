"""Engines by turns, each in a process of its own: what slows the machine down slows all of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from benchmarks.engines.task import BandwidthRun, EngineFiles, EngineRun, EngineTask
from harness.devices.lease import lease_folder, machine_lease
from harness.finished_program import run_to_end
from harness.measure.wording import end_in_words

_ROOT = Path(__file__).parents[2]
PREPARE_S = 3600.0
"""For an engine that exports a model of full size."""
MEASURE_S = 1200.0

Answer = TypeVar("Answer", bound=BaseModel)


class EngineFailed(Exception):
    """An engine that is installed and did not answer; the text says how it ended."""


@dataclass(frozen=True)
class Seat:
    """One engine with one number of threads.

    Attributes:
        task: What its processes are asked.
        files: What it computes with.
    """

    task: EngineTask
    files: EngineFiles


@dataclass(frozen=True)
class EngineSample:
    """What one process measured.

    Attributes:
        round: Counted from 0; all seats of a round ran one after the other.
        engine: Its name.
        threads: That computed.
        run: The figures.
    """

    round: int
    engine: str
    threads: int
    run: EngineRun | BandwidthRun


def prepare(task: EngineTask) -> EngineFiles:
    """Make an engine's files.

    Raises:
        EngineFailed: If it cannot.
    """
    return _ask("prepare", task, EngineFiles, PREPARE_S)


def play(
    seats: Sequence[Seat], rounds: int, say: Callable[[str], None]
) -> Iterator[EngineSample | tuple[Seat, EngineFailed]]:
    """Every seat once per round, the first ones last in every other; then what memory gives.

    One that failed is left out of the rounds behind.

    Args:
        seats: At least one.
        rounds: How often.
        say: Told what begins.
    """
    playing = list(seats)
    for turn in range(rounds):
        for seat in list(playing if turn % 2 == 0 else reversed(playing)):
            name, threads = seat.task.engine, seat.task.threads
            say(f"round {turn + 1}/{rounds}: {name}, {threads_in_words(threads)}")
            try:
                run = _measure("measure", seat.task, EngineRun)
            except EngineFailed as failure:
                playing.remove(seat)
                yield seat, failure
                continue
            yield EngineSample(turn, name, threads, run)
        for task in {seat.task.threads: seat.task for seat in seats}.values():
            bandwidth = _measure("bandwidth", task, BandwidthRun)
            yield EngineSample(turn, "memory", task.threads, bandwidth)


def threads_in_words(threads: int) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def _measure(verb: str, task: EngineTask, kind: type[Answer]) -> Answer:
    with machine_lease(lease_folder(), "exclusive"):
        return _ask(verb, task, kind, MEASURE_S)


def _ask(verb: str, task: EngineTask, kind: type[Answer], limit_s: float) -> Answer:
    """Run one process to its end."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "task.json", Path(folder) / "answer.json"
        question.write_text(task.model_dump_json(), encoding="utf-8")
        worker = [sys.executable, "-m", "benchmarks.engines.worker", verb]
        try:
            ended = run_to_end(
                [*worker, str(question), str(answer)], limit_s, environment(task.threads)
            )
        except subprocess.TimeoutExpired as error:
            raise EngineFailed(f"ended after {limit_s:.0f} s") from error
        if ended.returncode or not answer.is_file():
            said = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise EngineFailed(f"{end_in_words(ended.returncode)}: {said}")
        return kind.model_validate_json(answer.read_text(encoding="utf-8"))


def environment(threads: int) -> dict[str, str]:
    """This process's own, with a limit for the libraries that take theirs from it."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return {**os.environ, **limits, "PYTHONPATH": str(_ROOT)}

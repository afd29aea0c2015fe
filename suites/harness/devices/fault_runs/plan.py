"""Which fault strikes in which run: data, and what a seed draws from it."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.virtual_phone.faults import CutKind

Act = Literal["cut", "restart_server", "fill_disk", "corrupt", "hang", "hang_runner", "lock"]
Runner = Literal["stand-in", "real"]

PUSH = "push"
"""The moment that is counted in bytes; the others are commands."""

FEW = 20
"""Runs of a session that nobody asked for more."""

_FOLDER = Path(__file__).parent
_RANGE = tuple[float, float]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Frozen):
    """One kind of fault.

    Attributes:
        name: In the table.
        act: What is done to the phone or its server.
        how: How the transport is cut.
        reboot: Whether the phone reboots with it.
        lasts_s: Shortest and longest time until the phone is back.
        times: How often in a row.
        moments: When it may strike: names of commands, or ``push``.
        late: Whether it strikes the run alone, never the opening of the phone.
        ends: How the run must end: with its result, or with an error.
        words: Of which an error has to hold one, so that it names the cause.
    """

    name: str
    act: Act
    how: CutKind = "rst"
    reboot: bool = False
    lasts_s: _RANGE = (0.0, 0.0)
    times: int = 1
    late: bool = False
    moments: tuple[str, ...]
    ends: Literal["result", "error"]
    words: tuple[str, ...] = ()


class Moment(_Frozen):
    """When a fault strikes.

    Attributes:
        pattern: Of the command that it waits for.
        delay_s: Shortest and longest time from there.
    """

    pattern: str
    delay_s: _RANGE


class Plan(_Frozen):
    """Everything that runs are drawn from; ``plan.toml`` says what the fields mean."""

    deadline_s: float
    absence_s: float
    run_limit_s: float
    early_share: float
    real_runner_share: float
    push_bytes: tuple[int, int]
    moments: dict[str, Moment]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class FaultedRun:
    """One run and what goes wrong in it.

    Attributes:
        seed: That all the rest was drawn with.
        fault: What strikes.
        moment: Command that it waits for, as a regular expression; None for pushed bytes.
        moment_name: As the plan calls it.
        after_bytes: Pushed bytes that it waits for.
        delay_s: From the moment to the fault.
        lasts_s: Until the phone is back.
        runner: Who answers.
        is_early: Whether the fault is armed before the phone is opened.
        adb: Number of the adb program in ``adb_programs``.
    """

    seed: int
    fault: Fault
    moment: str | None
    moment_name: str
    after_bytes: int
    delay_s: float
    lasts_s: float
    runner: Runner
    is_early: bool
    adb: int

    def __str__(self) -> str:
        when = f"{self.after_bytes} bytes" if self.moment is None else self.moment_name
        armed = "opening" if self.is_early else "run"
        times = f"{self.delay_s:.2f} s later, for {self.lasts_s:.1f} s"
        return f"{self.fault.name} in the {armed} at {when}, {times}"


def load_plan(path: Path = _FOLDER / "plan.toml") -> Plan:
    """Read the plan."""
    return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def load_seeds(path: Path = _FOLDER / "seeds.txt") -> tuple[int, ...]:
    """The fixed list of seeds, in the order in which they are run."""
    return tuple(int(word) for word in path.read_text(encoding="utf-8").split())


def draw(plan: Plan, seed: int) -> FaultedRun:
    """The run of a seed, the same for ever as long as the plan is the same."""
    dice = random.Random(seed)
    fault = dice.choice(plan.faults)
    name = dice.choice(fault.moments)
    moment = None if name == PUSH else plan.moments[name]
    is_real = dice.random() < plan.real_runner_share and fault.act != "hang_runner"
    return FaultedRun(
        seed=seed,
        fault=fault,
        moment=None if moment is None else moment.pattern,
        moment_name=name,
        after_bytes=dice.randint(*plan.push_bytes),
        delay_s=dice.uniform(*moment.delay_s) if moment else 0.0,
        lasts_s=dice.uniform(*fault.lasts_s),
        runner="real" if is_real else "stand-in",
        is_early=dice.random() < plan.early_share and not fault.late,
        adb=dice.randrange(2),
    )


def numbered_seeds(seeds: Sequence[int], adb: int) -> list[tuple[int, int]]:
    """Seeds of the runs by one of the adb servers, with their place among all runs."""
    plan = load_plan()
    return [(number, seed) for number, seed in enumerate(seeds) if draw(plan, seed).adb == adb]

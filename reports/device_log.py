"""What the devices said of themselves over the session: temperatures, clocks, thermal status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from harness.results.rows.schema import DeviceStateRow


@dataclass(frozen=True)
class Reading:
    """One number that a device gave before or after a run."""

    at: datetime
    phase: Literal["before", "after"]
    value: float
    test: str


@dataclass(frozen=True)
class Gauge:
    """All readings of one quantity of one device, in the order of time."""

    device: str
    quantity: str
    readings: tuple[Reading, ...]

    @property
    def low(self) -> float:
        """The smallest reading."""
        return min(reading.value for reading in self.readings)

    @property
    def high(self) -> float:
        """The largest reading."""
        return max(reading.value for reading in self.readings)

    @property
    def moves(self) -> bool:
        """Whether the readings differ."""
        return self.low != self.high


def find_gauges(states: Sequence[DeviceStateRow]) -> tuple[Gauge, ...]:
    """Every quantity that is a number, those that moved first.

    A state that tells its own time has that one; of others only the end of their run is known.
    """
    found: dict[tuple[str, str], list[Reading]] = {}
    for row in sorted(states, key=lambda row: row.at):
        phases: tuple[tuple[Literal["before", "after"], dict[str, JsonValue] | None], ...]
        phases = (("before", row.before), ("after", row.after))
        for phase, state in phases:
            at = _told_time(state or {}) or row.at
            for quantity, value in _numbers(state or {}):
                reading = Reading(at, phase, value, row.test_id)
                found.setdefault((row.device or "", quantity), []).append(reading)
    gauges = [Gauge(*name, tuple(readings)) for name, readings in found.items()]
    return tuple(sorted(gauges, key=lambda gauge: not gauge.moves))


def _told_time(state: Mapping[str, JsonValue]) -> datetime | None:
    told = state.get("at")
    return datetime.fromisoformat(told) if isinstance(told, str) else None


def _numbers(state: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in state.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{name} ")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", float(value)

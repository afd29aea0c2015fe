"""When a phone that is offline is connected anew."""

from __future__ import annotations

from itertools import pairwise

from harness.devices.adb.greeting import GreetingWatch


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def looks(watch: GreetingWatch, clock: Clock, *, for_s: float, every_s: float = 0.5) -> list[float]:
    """Seconds at which an offline phone had to be reconnected."""
    began_s, overdue = clock.now_s, []
    while clock.now_s - began_s < for_s:
        if watch.is_overdue(is_offline=True):
            overdue.append(clock.now_s - began_s)
        clock.now_s += every_s
    return overdue


def test_a_greeting_may_take_a_while() -> None:
    clock = Clock()
    assert looks(GreetingWatch(clock), clock, for_s=2.9) == []


def test_each_wait_is_longer_than_the_one_before() -> None:
    """So that a phone that takes half a minute is not cut off for ever."""
    clock = Clock()
    found = looks(GreetingWatch(clock), clock, for_s=60)
    assert found[0] == 3
    waits = [later - earlier for earlier, later in pairwise(found)]
    assert waits == [6.5, 12.5, 24.5]


def test_a_phone_that_was_there_has_its_time_again() -> None:
    clock = Clock()
    watch = GreetingWatch(clock)
    looks(watch, clock, for_s=20)
    assert not watch.is_overdue(is_offline=False)
    assert looks(watch, clock, for_s=3.5) == [3]


def test_what_was_seen_long_ago_says_nothing() -> None:
    clock = Clock()
    watch = GreetingWatch(clock)
    assert not watch.is_overdue(is_offline=True)
    clock.now_s += 600
    assert not watch.is_overdue(is_offline=True)

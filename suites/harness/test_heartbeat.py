"""Signs of life come while a block runs, and not after it."""

from __future__ import annotations

import threading

from harness.heartbeat import Heartbeat, Pace, Step


def test_a_step_tells_what_is_done_and_since_when() -> None:
    now = iter([10.0, 105.4])
    step = Step(clock=lambda: next(now))
    assert step.described() == ""
    step.begin("text_decoder: lower")
    assert step.described() == "text_decoder: lower, 95 s"


def test_a_heartbeat_shows_what_goes_on_until_its_block_ends() -> None:
    shown: list[str] = []
    twice = threading.Event()

    def show(told: str) -> None:
        shown.append(told)
        if len(shown) == 2:
            twice.set()

    with Heartbeat(lambda: "at work", show, every_s=0.001):
        assert twice.wait(30)
    before = len(shown)
    assert set(shown) == {"at work"}
    assert len(shown) == before


def test_nothing_to_say_shows_nothing() -> None:
    looked = threading.Event()

    def describe() -> str:
        looked.set()
        return ""

    shown: list[str] = []
    with Heartbeat(describe, shown.append, every_s=0.001):
        assert looked.wait(30)
    assert shown == []


def test_the_rest_takes_as_long_as_what_was_done() -> None:
    seconds = iter((0.0, 4.0, 40.0, 90.0 * 60, 200.0 * 60))
    pace = Pace(1200, clock=lambda: next(seconds))
    assert pace.described() == "1 of 1,200"
    told = []
    for done in (1, 9, 590, 599):
        for _ in range(done):
            pace.finish_one()
        told.append(pace.described())
    assert told == [
        "2 of 1,200, about 1 h 20 min left",
        "11 of 1,200, about 1 h 19 min left",
        "601 of 1,200, about 1 h 30 min left",
        "1,200 of 1,200, about 10 s left",
    ]

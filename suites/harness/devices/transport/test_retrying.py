"""Doing something until it is done, through cuts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.adb.connection import NoServer
from harness.devices.transport.errors import ConnectionLost, DeadlineExceeded, PhoneRefused
from harness.devices.transport.retrying import LEAST_TRIES, Retry, RetryLimits


class Clock:
    """Time that passes only while somebody sleeps, or tries."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def limits(self, absence_s: float) -> RetryLimits:
        return RetryLimits(absence_s, clock=lambda: self.now_s, sleep=self.sleep)


def failing(times: int, error: Exception) -> Callable[[], str]:
    failures = iter([error] * times)

    def action() -> str:
        if (failure := next(failures, None)) is not None:
            raise failure
        return "done"

    return action


def test_what_works_is_done_once() -> None:
    retry = Retry(60, Clock().limits(30))
    assert retry.until_done(failing(0, ConnectionLost())) == "done"
    assert retry.drops == 0


@pytest.mark.parametrize("error", [ConnectionLost("cut"), NoServer("lab3:5037", "restarted")])
def test_several_tries_after_one_cut_are_one_drop(error: Exception) -> None:
    retry = Retry(60, Clock().limits(30))
    assert retry.until_done(failing(4, error)) == "done"
    assert retry.drops == 1


def test_drops_add_up_over_all_that_is_done() -> None:
    retry = Retry(60, Clock().limits(30))
    retry.until_done(failing(1, ConnectionLost()))
    retry.until_done(failing(2, ConnectionLost()))
    assert retry.drops == 2


def test_a_refusal_is_no_cut() -> None:
    retry = Retry(60, Clock().limits(30))
    with pytest.raises(PhoneRefused):
        retry.until_done(failing(1, PhoneRefused("Permission denied")))


def test_a_phone_that_stays_away_is_given_up() -> None:
    clock = Clock()
    with pytest.raises(DeadlineExceeded, match=r"away for 3\d s.*: cut"):
        Retry(600, clock.limits(30)).until_done(failing(1000, ConnectionLost("cut")))
    assert 30 <= clock.now_s <= 32


@pytest.mark.parametrize("cuts", [1, 6])
def test_tries_that_take_long_are_not_held_against_a_phone(cuts: int) -> None:
    clock, freed = Clock(), []
    tries = iter([*["cut"] * cuts, "hang", "not found", "done"])

    def action() -> str:
        if (found := next(tries)) == "hang":
            clock.sleep(20)
            raise DeadlineExceeded("an answer took more than 20 s")
        if found != "done":
            raise ConnectionLost(found)
        return found

    retry = Retry(600, clock.limits(12), revive=lambda: freed.append(clock.now_s))
    assert retry.until_done(action) == "done"
    assert (retry.drops, len(freed)) == (1, 1)


def test_a_phone_that_hangs_each_time_is_given_up() -> None:
    clock = Clock()

    def hang() -> str:
        clock.sleep(20)
        raise DeadlineExceeded("an answer took more than 20 s")

    with pytest.raises(DeadlineExceeded, match=r"away for 8\d s.*: an answer took"):
        Retry(600, clock.limits(12)).until_done(hang)
    assert clock.now_s < (LEAST_TRIES + 2) * 20


@given(total_s=st.floats(0, 100), absence_s=st.floats(0, 1000))
def test_nothing_is_tried_beyond_the_total_time(total_s: float, absence_s: float) -> None:
    clock = Clock()
    with pytest.raises(DeadlineExceeded):
        Retry(total_s, clock.limits(absence_s)).until_done(failing(10_000, ConnectionLost("cut")))
    assert clock.now_s <= total_s

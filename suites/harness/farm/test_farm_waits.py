"""How long a job waited is added up from look to look, and why it did is what was told last."""

from __future__ import annotations

from fixtures.session.farm_waits import FarmWaits
from harness.farm.order import JobState, JobStateKind


def state(kind: JobStateKind, said: str = "", key: str = "a") -> JobState:
    return JobState(key=key, described="size", state=kind, said=said)


def test_waits_add_up_and_running_does_not_count() -> None:
    times = iter([0.0, 1.0, 3.0, 10.0, 12.0, 13.0])
    waits = FarmWaits(lambda: next(times))
    waits.follow([state("blocked")])
    waits.follow([state("waiting", "hosts are busy")])
    waits.follow([state("running")])
    waits.follow([state("waiting", "ada was lost")])
    waits.follow([state("stored")])
    assert waits.of("a").seconds == 2.0 + 7.0 + 1.0
    assert waits.of("a").reason == "ada was lost"
    assert (waits.of("b").seconds, waits.of("b").reason) == (0.0, None)

"""Answers about scenes, judged after one to three looks as the accuracy suite does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.nights import WRONG_CALLS
from benchmarks.simulation.rate import Rate, worst
from harness.measure.accuracy_delta import ScoredPair, drop
from harness.measure.estimate import Estimate, scene_looks
from harness.measure.estimate_verdict import judge_estimate
from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.ratio import Part, ratio
from harness.measure.share import Scored, share
from harness.measure.verdict import Status

Counts = NDArray[np.int64]

FIRST_LOOKS = (24, 40, 100, 200, 500)
"""Scenes that a session begins with."""

_MORE = 5
"""Sessions for one of those that others simulate."""

_PER_SCENE = 5
"""Questions about one scene, where it has several."""

_GATES = (0.3, 0.75, 0.9, 0.94, 0.97, 0.99)
_DROPS = (0.02, 0.03, 0.05)
_GAINS = (0.0, 0.005, 0.02, 0.05)
_AWAY = (
    (0.93, Status.FAIL, 0.95),
    (0.95, Status.FAIL, None),
    (0.99, Status.PASS, None),
    (0.995, Status.PASS, 0.95),
)
"""Shares, how a gate of 0.97 should end with them, and how often."""

_CONTEXT = Context("simulated", "host")
_PROVENANCE = Provenance("simulated", date(2026, 1, 1))


def scene_rows(random: np.random.Generator, sessions: int) -> Iterator[Rate]:
    """All rows about what is found on scenes.

    Args:
        random: Which scenes a model gets right.
        sessions: Simulated per cell.
    """
    yield from _shares_on_the_gate(random, sessions)
    yield from _drops_on_the_gate(random, sessions)
    yield from _ratios_on_the_gate(random, sessions // 2)
    yield from _shares_away_from_the_gate(random, sessions)
    yield _contradictions(random, sessions)


def _shares_on_the_gate(random: np.random.Generator, sessions: int) -> Iterator[Rate]:
    for per_scene in (1, _PER_SCENE):
        cells: dict[str, float] = {}
        for gate in _GATES:
            for first in FIRST_LOOKS:
                ends = _ends_of_shares(random, sessions, gate, gate, first, per_scene)
                cells |= _wrong_calls(ends, f"{gate:g}, {first} scenes")
        asked = "" if per_scene == 1 else f", {per_scene} like questions a scene"
        yield worst(f"share on the gate{asked}: wrong", cells, WRONG_CALLS, sessions)


def _ends_of_shares(
    random: np.random.Generator,
    sessions: int,
    truth: float,
    gate: float,
    first: int,
    per_scene: int = 1,
) -> list[Status]:
    def status(hits: tuple[int, ...], scenes: int) -> Status:
        return _status_of_share(hits[0], scenes, per_scene, gate)

    return _ends(random, sessions, first, (truth,), status)


def _drops_on_the_gate(random: np.random.Generator, sessions: int) -> Iterator[Rate]:
    for gate in _DROPS:
        cells: dict[str, float] = {}
        for gained in _GAINS:
            for first in FIRST_LOOKS:

                def status(counts: tuple[int, ...], scenes: int, gate: float = gate) -> Status:
                    return _status_of_drop(*counts, scenes, gate)

                ends = _ends(random, sessions, first, (gate + gained, gained), status)
                cells |= _wrong_calls(ends, f"{gained:.1%} gained, {first} scenes")
        yield worst(f"drop on the gate of {gate:g}: wrong", cells, WRONG_CALLS, sessions)


def _ratios_on_the_gate(random: np.random.Generator, sessions: int) -> Iterator[Rate]:
    """Answers a tenth longer in their mean: each a little, or one in five by half."""
    for name, bound in (("each by 0 to 20 %", WRONG_CALLS), ("one in five by half", None)):
        cells: dict[str, float] = {}
        for first in FIRST_LOOKS:
            shape = (sessions, scene_looks(first)[-1])
            wanted = random.integers(2, 30, shape)
            some = 0.5 * (random.random(shape) < 0.2)
            longer = some if bound is None else random.uniform(0, 0.2, shape)
            both = zip(wanted * (1 + longer), wanted, strict=True)
            cells |= _wrong_calls([_end_of_ratio(*one, first) for one in both], f"{first} scenes")
        yield worst(f"lengths on the gate of 1.1, {name}: wrong", cells, bound, sessions)


def _end_of_ratio(given: NDArray[np.float64], wanted: Counts, first: int) -> Status:
    status = Status.INCONCLUSIVE
    for scenes in scene_looks(first):
        pairs = zip(given[:scenes], wanted[:scenes], strict=True)
        parts = [Part(str(n), float(one), float(other)) for n, (one, other) in enumerate(pairs)]
        status = _status(ratio(parts, "answer"), "length_ratio", 0.9, 1.1)
        if status is not Status.INCONCLUSIVE:
            break
    return status


def _shares_away_from_the_gate(random: np.random.Generator, sessions: int) -> Iterator[Rate]:
    gate = 0.97
    for truth, wanted, bound in _AWAY:
        cells = {
            f"{first} scenes": _ends_of_shares(random, sessions, truth, gate, first).count(wanted)
            / sessions
            for first in FIRST_LOOKS
        }
        cell = min(cells, key=lambda key: cells[key])
        name = f"share of {truth:g}, gate of {gate:g}: {wanted.upper()}"
        yield Rate(name, cells[cell], ">=", bound, sessions, cell)


def _contradictions(random: np.random.Generator, sessions: int) -> Rate:
    """The same weights asked about 40 scenes and about 200."""
    cells: dict[str, float] = {}
    for truth in (0.95, 0.96, 0.97, 0.98):
        few = _ends_of_shares(random, sessions, truth, 0.97, 40)
        many = _ends_of_shares(random, sessions, truth, 0.97, 200)
        opposite = sum({*two} == {Status.PASS, Status.FAIL} for two in zip(few, many, strict=True))
        cells[f"share of {truth:g}"] = opposite / sessions
    return worst("40 scenes against 200: PASS against FAIL", cells, WRONG_CALLS, sessions)


def _ends(
    random: np.random.Generator,
    sessions: int,
    first: int,
    chances: tuple[float, ...],
    status_of: Callable[[tuple[int, ...], int], Status],
) -> list[Status]:
    """How sessions end whose scenes fall independently, with these chances, into these cases."""
    rest = 1 - sum(chances)
    totals: Counts = np.zeros((sessions, len(chances) + 1), dtype=np.int64)
    ends = [Status.INCONCLUSIVE] * sessions
    before = 0
    for scenes in scene_looks(first):
        totals = totals + random.multinomial(scenes - before, [*chances, rest], size=sessions)
        before = scenes
        for session, counts in enumerate(totals[:, :-1].tolist()):
            if ends[session] is Status.INCONCLUSIVE:
                ends[session] = status_of(tuple(counts), scenes)
    return ends


@cache
def _status_of_share(hits: int, scenes: int, per_scene: int, gate: float) -> Status:
    scores = [
        Scored(str(scene), float(scene < hits)) for scene in range(scenes) for _ in range(per_scene)
    ]
    return _status(share(scores, "answer"), "exact_match", gate, None)


@cache
def _status_of_drop(lost: int, gained: int, scenes: int, gate: float) -> Status:
    pairs = [ScoredPair(str(scene), 1.0, float(scene >= lost)) for scene in range(scenes - gained)]
    pairs += [ScoredPair(f"gained {scene}", 0.0, 1.0) for scene in range(gained)]
    return _status(drop(pairs), "exact_match_drop", None, gate)


def _status(found: Estimate, metric: str, minimum: float | None, maximum: float | None) -> Status:
    gate = Gate(
        metric=metric,
        model="simulated",
        min=minimum,
        max=maximum,
        confidence="derived",
        source="simulated",
        since=date(2026, 1, 1),
    )
    return judge_estimate(found, gate, metric, _CONTEXT, provenance=_PROVENANCE).status


def _wrong_calls(ends: list[Status], cell: str) -> dict[str, float]:
    return {
        f"{cell} {status.upper()}": ends.count(status) / len(ends)
        for status in (Status.PASS, Status.FAIL)
    }

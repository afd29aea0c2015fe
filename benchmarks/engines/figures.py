"""Medians and their bounds of what engines measured; ratios of runs of one round."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.engines.rounds import EngineSample, Seat
from benchmarks.engines.task import BandwidthRun, EngineFiles, EngineRun
from harness.measure.roofline import ms_per_token_lower_bound, roofline_share
from harness.measure.statistics import median_bounds

FIGURES = (
    "load_ms",
    "encode_ms",
    "ttft_ms",
    "image_ttft_ms",
    "prefill_tps",
    "decode_tps",
    "turn_cpu_ms",
    "peak_rss_mib",
)
"""Of :class:`EngineRun`, in the order of tables."""


@dataclass(frozen=True)
class Middle:
    """A median of processes, and what the median of many would be.

    Attributes:
        median: Of the samples.
        lower: It is at least this, 95 % sure; None below five samples.
        upper: It is at most this, likewise.
        samples: One per process, in the order of the rounds.
    """

    median: float
    lower: float | None
    upper: float | None
    samples: tuple[float, ...]


def middle(samples: Sequence[float]) -> Middle:
    """Median and bounds of at least one sample."""
    bounds = median_bounds(samples)
    lower, upper = (None, None) if bounds is None else (bounds.lower, bounds.upper)
    return Middle(statistics.median(samples), lower, upper, tuple(samples))


@dataclass(frozen=True)
class EngineRow:
    """What is told of one engine with one number of threads.

    Attributes:
        engine: Its name.
        threads: That computed; None where it did not run.
        note: Why it did not run; None where it did.
        files: What it computes with.
        figures: By their names; those that an engine lacks are left out.
        prefill_ratio: Our runner's prefill over this one's, round by round.
        decode_ratio: Our runner's decoding over this one's, round by round.
        cpu_ratio: This one's processor time of a turn over our runner's, round by round.
        limit_tps: Tokens per second that memory allows.
        limit_share: How much of that was reached.
        equal_tokens: Leading tokens of its answer that are those of the float model.
        has_failed: Whether it is installed and did not answer.
    """

    engine: str
    threads: int | None = None
    note: str | None = None
    files: EngineFiles | None = None
    figures: Mapping[str, Middle] = field(default_factory=dict)
    prefill_ratio: Middle | None = None
    decode_ratio: Middle | None = None
    cpu_ratio: Middle | None = None
    limit_tps: float | None = None
    limit_share: float | None = None
    equal_tokens: int | None = None
    has_failed: bool = False


def rows_of(
    seats: Iterable[Seat], measured: Sequence[EngineSample], ours: str, reference: str
) -> list[EngineRow]:
    """One row per seat that ran at least once.

    Args:
        seats: In the order of the rows.
        measured: Of all rounds.
        ours: Engine that ratios are of.
        reference: Engine whose answer is the float model's.
    """
    by_seat: dict[tuple[str, int], dict[int, EngineRun]] = {}
    memory: dict[int, list[float]] = {}
    for one in measured:
        if isinstance(one.run, BandwidthRun):
            memory.setdefault(one.threads, []).append(one.run.best_gb_per_s)
        else:
            by_seat.setdefault((one.engine, one.threads), {})[one.round] = one.run
    answers = [
        run.token_ids
        for seat, runs in by_seat.items()
        if seat[0] == reference
        for run in runs.values()
    ]
    rows = []
    for seat in seats:
        place = (seat.task.engine, seat.task.threads)
        if place not in by_seat:
            continue
        runs, own = by_seat[place], by_seat.get((ours, place[1]), {})
        rows.append(_row(seat, runs, own, memory.get(place[1]), answers[0] if answers else None))
    return rows


def _row(
    seat: Seat,
    runs: Mapping[int, EngineRun],
    own: Mapping[int, EngineRun],
    memory: Sequence[float] | None,
    answer: tuple[int, ...] | None,
) -> EngineRow:
    figures = {
        name: middle(samples)
        for name in FIGURES
        if (
            samples := [value for run in runs.values() if (value := getattr(run, name)) is not None]
        )
    }
    limit_ms = (
        None
        if memory is None
        else ms_per_token_lower_bound(seat.files.bytes_per_token, max(memory))
    )
    first = next(iter(runs.values()))
    return EngineRow(
        engine=seat.task.engine,
        threads=seat.task.threads,
        files=seat.files,
        figures=figures,
        prefill_ratio=ratio(own, runs, "prefill_tps"),
        decode_ratio=ratio(own, runs, "decode_tps"),
        cpu_ratio=ratio(runs, own, "turn_cpu_ms"),
        limit_tps=None if limit_ms is None else 1e3 / limit_ms,
        limit_share=(
            None if limit_ms is None else roofline_share(figures["decode_tps"].median, limit_ms)
        ),
        equal_tokens=equal_tokens(first.token_ids, answer),
    )


def ratio(one: Mapping[int, EngineRun], other: Mapping[int, EngineRun], name: str) -> Middle | None:
    """A figure of one engine over another's in the rounds that both ran in; None without any."""
    shared = sorted(one.keys() & other.keys())
    if not shared:
        return None
    return middle([getattr(one[turn], name) / getattr(other[turn], name) for turn in shared])


def equal_tokens(answer: Sequence[int] | None, reference: Sequence[int] | None) -> int | None:
    """How many leading tokens are alike; None where one of both is unknown."""
    if answer is None or reference is None:
        return None
    pairs = zip(answer, reference, strict=False)
    return next(
        (index for index, (a, b) in enumerate(pairs) if a != b), min(len(answer), len(reference))
    )

"""One miniature in one mode, exported by both, and what must hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.interop.answers import Agreement, FirstDifference
from benchmarks.interop.contract import Difference
from benchmarks.interop.measured_process import ProcessCost
from harness.vocabulary import Component, Mode

WALL_BOUND = 0.8
"""Largest share of upstream's wall time that our export of a miniature may take, hybrid mode."""

RSS_BOUND = 1.0
"""Largest share of upstream's peak memory that our export of a miniature may take, hybrid mode."""


@dataclass(frozen=True)
class Correct:
    """Share of right answers by who exported what.

    Attributes:
        upstream: All three files are upstream's.
        ours: All three files are ours.
        mixed: Upstream's token embedding and decoder behind our vision encoder, which leaves out
            upstream's shifted position ids of SmolVLM (contract §3.4).
    """

    upstream: float
    ours: float
    mixed: float


@dataclass(frozen=True)
class Case:
    """What was measured of one model in one mode.

    Attributes:
        upstream_cost: Upstream's export.
        our_cost: Our export, in the same run.
        bytes_by_component: Upstream's and our file size.
        differences: Where the files' contracts differ.
        token_loop: Upstream's files, our runner against the plain loop of one token a call.
        chunk_loop: The same with prompts in chunks of the method's AR; None in kv mode.
        leaks: Upstream's and our ``leaked_codes``; None in kv mode.
        upstream_against_ours: Upstream's files against ours, both on our runner.
        mixed_against_ours: As the one above, with our vision encoder before upstream's decoder.
        correct: Right answers.
    """

    model: str
    mode: Mode
    upstream_cost: ProcessCost
    our_cost: ProcessCost
    bytes_by_component: Mapping[Component, tuple[int, int]]
    differences: tuple[Difference, ...]
    token_loop: Agreement
    chunk_loop: Agreement | None
    leaks: tuple[int, int] | None
    upstream_against_ours: Agreement
    mixed_against_ours: Agreement
    correct: Correct

    @property
    def wall_ratio(self) -> float:
        """Our wall time over upstream's."""
        return self.our_cost.wall_s / self.upstream_cost.wall_s

    @property
    def rss_ratio(self) -> float:
        """Our peak memory over upstream's."""
        return self.our_cost.peak_rss_mib / self.upstream_cost.peak_rss_mib


def faults(case: Case) -> list[str]:
    """Sentences about what should hold and does not."""
    name = f"{case.model} {case.mode}"
    found = [
        f"{name}: {one.component} {one.where} is {one.ours}, upstream's is {one.upstream}"
        for one in case.differences
        if one.is_signature
    ]
    found += [
        f"{name}: on upstream's files runner and plain loop part at token {one.position} of "
        f"{one.request_id}, where the two best logits are {one.gap} codes apart"
        for one in _owed(case)
    ]
    if case.leaks is not None and case.leaks[1] > 0:
        found.append(f"{name}: our prefill lets through {case.leaks[1]} codes of what is masked")
    if case.mode == "hybrid":
        if case.wall_ratio > WALL_BOUND:
            found.append(f"{name}: export takes {case.wall_ratio:.2f} of upstream's wall time")
        if case.rss_ratio > RSS_BOUND:
            found.append(f"{name}: export takes {case.rss_ratio:.2f} of upstream's peak memory")
    return found


def _owed(case: Case) -> tuple[FirstDifference, ...]:
    """Differences from the plain loop that only the runner can be the cause of.

    A prefill graph that disobeys its mask answers differently to chunks and to single tokens, so
    that the runner owes agreement with a loop of equal chunks alone.
    """
    chunked = () if case.chunk_loop is None else case.chunk_loop.differences
    disobeys = case.leaks is not None and case.leaks[0] > 0
    return chunked if disobeys else (*case.token_loop.differences, *chunked)

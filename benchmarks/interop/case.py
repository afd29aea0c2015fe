"""One miniature in one mode, exported by both: what must hold of it, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.interop.answers import Agreement, FirstDifference
from benchmarks.interop.contract import ContractDifference
from benchmarks.interop.exports import ProcessCost
from benchmarks.interop.ways import Ways
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
        ways: Upstream's files as our runner runs them and as upstream's does.
    """

    model: str
    mode: Mode
    upstream_cost: ProcessCost
    our_cost: ProcessCost
    bytes_by_component: Mapping[Component, tuple[int, int]]
    differences: tuple[ContractDifference, ...]
    token_loop: Agreement
    chunk_loop: Agreement | None
    leaks: tuple[int, int] | None
    upstream_against_ours: Agreement
    mixed_against_ours: Agreement
    correct: Correct
    ways: Ways

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
    found += [
        f"{name}: with --upstream_compat runner and plain loop part at token {one.position} of "
        f"{one.request_id}, where the two best logits are {one.gap} codes apart"
        for one in case.ways.upstream_loop.differences
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


def tables(cases: Sequence[Case]) -> list[Table]:
    """Cost, sizes, contract and answers of all cases."""
    return [_cost(cases), _sizes(cases), _contract(cases), _leaks(cases), _answers(cases)]


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title)
    for heading in left:
        table.add_column(heading)
    for heading in right:
        table.add_column(heading, justify="right")
    return table


def _cost(cases: Sequence[Case]) -> Table:
    title = f"Export (hybrid: wall <= {WALL_BOUND}, peak RSS <= {RSS_BOUND} of upstream's)"
    headings = tuple(
        f"{whose} {unit}"
        for unit in ("wall s", "CPU s", "MiB")
        for whose in ("upstream", "our", "ratio")
    )
    table = _table(title, ("model", "mode"), headings)
    for case in cases:
        theirs, mine = case.upstream_cost, case.our_cost
        pairs = (
            (theirs.wall_s, mine.wall_s),
            (theirs.cpu_s, mine.cpu_s),
            (theirs.peak_rss_mib, mine.peak_rss_mib),
        )
        cells = [
            text
            for upstream, ours in pairs
            for text in (f"{upstream:.0f}", f"{ours:.0f}", f"{ours / upstream:.2f}")
        ]
        table.add_row(case.model, case.mode, *cells)
    return table


def _sizes(cases: Sequence[Case]) -> Table:
    headings = ("upstream bytes", "our bytes", "ratio")
    table = _table("File sizes", ("model", "mode", "component"), headings)
    for case in cases:
        for component, (theirs, mine) in case.bytes_by_component.items():
            sizes = (f"{theirs:,}", f"{mine:,}", f"{mine / theirs:.2f}")
            table.add_row(case.model, case.mode, component, *sizes)
    return table


def _contract(cases: Sequence[Case]) -> Table:
    left = ("model", "mode", "component", "where", "upstream", "ours")
    table = _table("Contract differences (what is not listed is equal)", left, ())
    for case in cases:
        for one in case.differences:
            row = (one.component, one.where, one.upstream, one.ours)
            table.add_row(case.model, case.mode, *row)
    return table


def _leaks(cases: Sequence[Case]) -> Table:
    title = "Change of prefill logits when only masked inputs change (must be 0)"
    table = _table(title, ("model", "mode"), ("upstream codes", "our codes"))
    for case in cases:
        if case.leaks is not None:
            table.add_row(case.model, case.mode, *(f"{codes:,}" for codes in case.leaks))
    return table


def _answers(cases: Sequence[Case]) -> Table:
    left = ("model", "mode", "what")
    headings = ("identical answers", "token agreement", "right answers")
    table = _table("Answers of our runner", left, headings)
    for case in cases:
        correct = case.correct
        rows: tuple[tuple[str, Agreement | None, float], ...] = (
            ("upstream against plain loop, tokens", case.token_loop, correct.upstream),
            ("upstream against plain loop, chunks", case.chunk_loop, correct.upstream),
            ("upstream against ours", case.upstream_against_ours, correct.upstream),
            ("upstream, our encoder, against ours", case.mixed_against_ours, correct.mixed),
        )
        for what, agreement, right in rows:
            if agreement is None:
                continue
            numbers = (agreement.identical, agreement.tokens, right)
            table.add_row(case.model, case.mode, what, *(f"{number:.3f}" for number in numbers))
        table.add_row(case.model, case.mode, "ours", "", "", f"{correct.ours:.3f}")
    return table

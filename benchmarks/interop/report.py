"""Upstream's export and ours side by side, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from benchmarks.interop.answers import Agreement
from benchmarks.interop.case import RSS_BOUND, WALL_BOUND, Case


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

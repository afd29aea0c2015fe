"""``python -m harness compare``: two runs side by side on the terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from harness.commands.terminal_table import cell, percent
from harness.measure.wording import number, plural
from harness.options.command_line import command_line
from harness.results.run_comparison import Difference, RunComparison
from harness.results.series import Series

_MAX_CHANGES = 20
_MAX_DIFFERENCES = 12
_INDENT = "    "


def comparison_lines(
    comparison: RunComparison,
    runs: Sequence[str],
    width: int,
    *,
    show_all: bool,
    gate_causes: Sequence[str] = (),
) -> Iterator[str]:
    """What changed from one run to another, the largest change first, and why it may have.

    Args:
        comparison: Of the two.
        runs: Their names.
        width: Columns to fit into.
        show_all: Whether what did not change, or only one run measured, is shown as well.
        gate_causes: What a changed gate alone turned red, a sentence each.
    """
    changed, one_sided = comparison.changed, comparison.one_sided
    others = comparison.rows.drop(index=changed.index)
    alike = others.drop(index=others.index.intersection(one_sided.index))
    total = len(comparison.rows)
    yield from _wrapped(f"{runs[0]} -> {runs[1]}", width)
    yield from _wrapped(f"{number(len(changed))} of {plural(total, 'number')} changed.", width)
    shown = changed if show_all else changed.head(_MAX_CHANGES)
    yield from _entries(shown, width)
    if show_all and len(alike):
        yield from ("", "Did not change beyond noise:")
        yield from _entries(alike, width)
    if show_all and len(one_sided):
        yield from ("", "Measured by one run only:")
        yield from _entries(one_sided.drop(index=changed.index, errors="ignore"), width)
    if gate_causes:
        yield from ("", "Red by their gates alone:")
        for cause in gate_causes:
            yield from _wrapped(_INDENT + cause, width)
    yield ""
    yield from _difference_lines(comparison.differences, width, show_all)
    left_out = {
        "more that changed": len(changed) - len(shown),
        "that did not change beyond noise": 0 if show_all else len(alike),
        "that only one run measured": 0 if show_all else len(others) - len(alike),
    }
    if told := [f"{count} {what}" for what, count in left_out.items() if count]:
        yield from _wrapped(f"Not shown: {', '.join(told)}; --all shows them.", width)
    artifacts = {"compare": ("ARTIFACT_A", "ARTIFACT_B")}
    deciding = command_line("suites", artifacts, "suites", "-m", "perf")
    yield from _wrapped(f"Measured at different times; to decide: {deciding}", width)


def _entries(rows: pd.DataFrame, width: int) -> Iterator[str]:
    """A line per number, and what it is of behind it or, where there is no room, below it."""
    records: list[Mapping[Any, Any]] = rows.to_dict("records")
    told = [_told(record) for record in records]
    places = [Series.of_record(record).place for record in records]
    aligned = _aligned([(*words, place) for words, place in zip(told, places, strict=True)])
    heads = _aligned(told)
    short = _aligned([words[:3] for words in told])
    for number_of_row, ((change, metric, values, verdicts), place) in enumerate(
        zip(told, places, strict=True)
    ):
        if _widest(aligned) <= width:
            yield aligned[number_of_row]
        elif _widest(heads) <= width:
            yield heads[number_of_row]
            yield from _wrapped(_INDENT + place, width)
        else:
            is_fitting = _widest(short) <= width
            yield from (
                [short[number_of_row]]
                if is_fitting
                else _wrapped(f"{change}  {metric}  {values}", width)
            )
            yield from _wrapped(f"{_INDENT}{verdicts}  {place}", width)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with a column per word, the first one ending at the same place."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            word.ljust(width) if place else word.rjust(width)
            for place, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _widest(lines: Sequence[str]) -> int:
    return max(map(len, lines), default=0)


def _told(record: Mapping[Any, Any]) -> tuple[str, str, str, str]:
    """Change, metric, values and verdicts of a row in words."""
    before, after = (cell(record[f"median_{side}"]) or "not measured" for side in (1, 2))
    unit = "" if record["unit"] in ("1", "share") else f" {cell(record['unit'])}"
    statuses = [cell(record[f"status_{side}"]) or "not judged" for side in (1, 2)]
    verdicts = statuses[0] if statuses[0] == statuses[1] else " -> ".join(statuses)
    values = f"{before}{unit}" if before == after else f"{before} -> {after}{unit}"
    return _change(record), str(record["metric"]), values, verdicts


def _change(record: Mapping[Any, Any]) -> str:
    change = record["change"]
    if pd.isna(change) or change == 0:
        return "" if pd.isna(change) else "0 %"
    if not math.isfinite(change):
        told = "from 0"
    elif change >= 9:
        told = f"{number(1 + change, 3)} times"
    else:
        told = f"{'+' if change > 0 else ''}{percent(change)}"
    better = record["better"]
    return told if pd.isna(better) else f"{told} {'better' if better else 'worse'}"


def _difference_lines(
    differences: Sequence[Difference], width: int, show_all: bool
) -> Iterator[str]:
    if not differences:
        yield from _wrapped(
            "Nothing else differs: commit, packages, options, device, gates.", width
        )
        return
    yield "In what else they differ:"
    for group, found in groupby(differences, key=lambda one: one.group):
        alike = list(found)
        shown = alike if show_all else alike[:_MAX_DIFFERENCES]
        for one in shown:
            before, after = one.before or "not set", one.after or "not set"
            yield from _wrapped(f"{group} {one.name}: {before} -> {after}", width)
        if len(shown) < len(alike):
            yield from _wrapped(
                f"{len(alike) - len(shown)} more of {group}; --all shows them.", width
            )


def _wrapped(text: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(
        text, width, subsequent_indent=_INDENT, break_on_hyphens=False, drop_whitespace=True
    ) or [""]

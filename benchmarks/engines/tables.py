"""What engines measured, as tables and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.table import Table

from benchmarks.engines.figures import FIGURES, EngineRow, Middle
from benchmarks.engines.rounds import EngineSample
from benchmarks.engines.task import BandwidthRun
from harness.measure.wording import number

SUMMARY_COLUMNS = (
    "engine",
    "threads",
    "holds",
    *(
        f"{name}{part}"
        for name in (*FIGURES, "prefill_ratio", "decode_ratio", "cpu_ratio")
        for part in ("", "_lower", "_upper")
    ),
    "bytes_per_token",
    "limit_tps",
    "limit_share",
    "equal_tokens",
    "note",
)


def speed_table(title: str, rows: Iterable[EngineRow]) -> Table:
    """Rates with their bounds, and our runner's over each."""
    headings = ("prefill tok/s", "ours over it", "decode tok/s", "ours over it")
    table = _table(title, *headings, "CPU, it over ours")
    for row in _that_ran(rows):
        rates = (
            row.figures.get("prefill_tps"),
            row.prefill_ratio,
            row.figures.get("decode_tps"),
            row.decode_ratio,
            row.cpu_ratio,
        )
        table.add_row(row.engine, str(row.threads), *map(told, rates))
    return table


def other_table(title: str, rows: Iterable[EngineRow]) -> Table:
    """Times before the first token, memory, and how far the answer is the float model's."""
    names = ("load_ms", "ttft_ms", "encode_ms", "image_ttft_ms", "turn_cpu_ms", "peak_rss_mib")
    headings = ("load ms", "TTFT ms", "encode ms", "TTFT with picture ms", "CPU ms", "RSS MiB")
    table = _table(title, *headings, "equal tokens")
    for row in _that_ran(rows):
        medians = (row.figures.get(name) for name in names)
        table.add_row(
            row.engine,
            str(row.threads),
            *("" if one is None else f"{one.median:,.0f}" for one in medians),
            "" if row.equal_tokens is None else str(row.equal_tokens),
        )
    return table


def limit_table(rows: Iterable[EngineRow], measured: Iterable[EngineSample]) -> Table:
    """What a step reads, the best that memory gave in all rounds, and what that allows."""
    runs = [(one.threads, one.run) for one in measured if isinstance(one.run, BandwidthRun)]
    headings = ("MB per token", "triad GB/s", "reading GB/s", "limit tok/s", "decode of limit")
    table = _table("limit of memory", *headings)
    for row in _that_ran(rows):
        found = [run for threads, run in runs if threads == row.threads]
        if row.files is None or row.limit_tps is None or row.limit_share is None:
            continue
        table.add_row(
            row.engine,
            str(row.threads),
            f"{row.files.bytes_per_token / 1e6:,.0f}",
            f"{max(run.triad_gb_per_s for run in found):.1f}",
            f"{max(run.read_gb_per_s for run in found):.1f}",
            number(row.limit_tps, 3),
            f"{row.limit_share:.0%}",
        )
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, pad_edge=False)
    table.add_column("engine", no_wrap=True)
    for heading in ("threads", *headings):
        table.add_column(heading, justify="right")
    return table


def _that_ran(rows: Iterable[EngineRow]) -> list[EngineRow]:
    return [row for row in rows if row.note is None]


def absent_table(rows: Iterable[EngineRow]) -> Table:
    """Engines that did not run, and what would change that."""
    table = Table(title="not measured", pad_edge=False)
    table.add_column("engine", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in rows:
        if row.note is not None:
            table.add_row(row.engine, row.note)
    return table


def told(figure: Middle | None) -> str:
    """``58.2 [57.9, 58.8]``; empty where there is none."""
    if figure is None:
        return ""
    middle = number(figure.median, 3)
    if figure.lower is None or figure.upper is None:
        return middle
    return f"{middle} [{number(figure.lower, 3)}, {number(figure.upper, 3)}]"


def write_summary(rows: Iterable[EngineRow], path: Path) -> None:
    """One line per engine and number of threads, those that did not run included."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, SUMMARY_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(summary, rows))


def summary(row: EngineRow) -> dict[str, object]:
    """A row by ``SUMMARY_COLUMNS``; empty where it has nothing."""
    found: dict[str, object] = {
        "engine": row.engine,
        "threads": row.threads,
        "holds": None if row.files is None else row.files.holds,
        "bytes_per_token": None if row.files is None else row.files.bytes_per_token,
        "limit_tps": row.limit_tps,
        "limit_share": row.limit_share,
        "equal_tokens": row.equal_tokens,
        "note": row.note,
    }
    ratios = {
        "prefill_ratio": row.prefill_ratio,
        "decode_ratio": row.decode_ratio,
        "cpu_ratio": row.cpu_ratio,
    }
    for name, figure in {**row.figures, **ratios}.items():
        if figure is not None:
            found |= {
                name: figure.median,
                f"{name}_lower": figure.lower,
                f"{name}_upper": figure.upper,
            }
    return found


@contextmanager
def sample_file(path: Path) -> Iterator[Callable[[EngineSample], None]]:
    """Keep each process as soon as it has ended, a line per figure: nothing is averaged away."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("round", "engine", "threads", "figure", "value"))

        def keep(one: EngineSample) -> None:
            figures = one.run.model_dump(exclude={"token_ids"}, exclude_none=True)
            writer.writerows(
                (one.round, one.engine, one.threads, name, value) for name, value in figures.items()
            )
            file.flush()

        yield keep

"""What engines measured, as tables and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.table import Table

from benchmarks.engines.figures import FIGURES, EngineRow, Middle
from benchmarks.engines.rounds import EngineSample
from benchmarks.engines.task import BandwidthRun

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


def speed_table(title: str, rows: Sequence[EngineRow]) -> Table:
    """Rates with their bounds, our runner's over each, and the limit of memory."""
    table = Table(title=title, pad_edge=False)
    table.add_column("engine", no_wrap=True)
    for heading in (
        "threads",
        "prefill tok/s",
        "ours over it",
        "decode tok/s",
        "ours over it",
        "CPU, it over ours",
        "limit tok/s",
        "of limit",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        if row.note is not None:
            continue
        limit = "" if row.limit_tps is None else f"{row.limit_tps:,.1f}"
        share = "" if row.limit_share is None else f"{row.limit_share:.0%}"
        table.add_row(
            row.engine,
            str(row.threads),
            told(row.figures.get("prefill_tps"), 1),
            told(row.prefill_ratio, 2),
            told(row.figures.get("decode_tps"), 1),
            told(row.decode_ratio, 2),
            told(row.cpu_ratio, 2),
            limit,
            share,
        )
    return table


def other_table(title: str, rows: Iterable[EngineRow]) -> Table:
    """Times before the first token, memory, and how far the answer is the float model's."""
    table = Table(title=title, pad_edge=False)
    table.add_column("engine", no_wrap=True)
    for heading in (
        "threads",
        "CPU ms",
        "load ms",
        "TTFT ms",
        "encode ms",
        "TTFT with picture ms",
        "peak RSS MiB",
        "MB per token",
        "equal tokens",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        if row.files is None:
            continue
        names = ("turn_cpu_ms", "load_ms", "ttft_ms", "encode_ms", "image_ttft_ms", "peak_rss_mib")
        medians = (row.figures.get(name) for name in names)
        table.add_row(
            row.engine,
            str(row.threads),
            *("" if one is None else f"{one.median:,.0f}" for one in medians),
            f"{row.files.bytes_per_token / 1e6:,.0f}",
            "" if row.equal_tokens is None else str(row.equal_tokens),
        )
    return table


def memory_table(measured: Iterable[EngineSample]) -> Table:
    """What memory gave so many threads, the best of all rounds."""
    table = Table(title="memory, GB/s", pad_edge=False)
    for heading in ("threads", "triad", "reading"):
        table.add_column(heading, justify="right")
    runs: dict[int, list[BandwidthRun]] = {}
    for one in measured:
        if isinstance(one.run, BandwidthRun):
            runs.setdefault(one.threads, []).append(one.run)
    for threads, found in runs.items():
        triad = max(run.triad_gb_per_s for run in found)
        read = max(run.read_gb_per_s for run in found)
        table.add_row(str(threads), f"{triad:.1f}", f"{read:.1f}")
    return table


def absent_table(rows: Iterable[EngineRow]) -> Table:
    """Engines that did not run, and what would change that."""
    table = Table(title="not measured", pad_edge=False)
    table.add_column("engine", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in rows:
        if row.note is not None:
            table.add_row(row.engine, row.note)
    return table


def told(figure: Middle | None, digits: int) -> str:
    """``58.2 [57.9, 58.8]``; empty where there is none."""
    if figure is None:
        return ""
    bounds = (
        ""
        if figure.lower is None or figure.upper is None
        else f" [{figure.lower:,.{digits}f}, {figure.upper:,.{digits}f}]"
    )
    return f"{figure.median:,.{digits}f}{bounds}"


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

"""What exports took beside what was said before they began: ``python -m benchmarks.export_needs``.

Reads the manifests of artifacts, prints one row per component, and writes the table that the next
preflight reads (``--write``). Without that it is the check of the preflight: each row says by how
much it was off, from the table as it is and from the rows of other models alone.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.table import Table

from harness.artifacts.artifact import Artifact, open_artifact
from harness.artifacts.given_name import ARTIFACTS
from harness.artifacts.manifest import MANIFEST_NAME
from harness.console import PlainConsole
from harness.export.graphs.component import empty_module
from harness.export.needs import NEEDS, TOLERANCE, MeasuredNeed, expected_need, known
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.vlm.registry import get_spec


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where a component took more than a fifth more or less than was said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export_needs", description=__doc__)
    parser.add_argument("artifacts", nargs="*", type=Path, help="folders; else the whole cache")
    parser.add_argument("--write", action="store_true", help=f"keep the rows in {NEEDS.name}")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/models.md")
    options = parser.parse_args(arguments)
    if options.markdown:
        print("\n".join(markdown(known())))
        return 0
    folders = options.artifacts or sorted(
        path.parent for path in (default_artifacts() / ARTIFACTS).glob(f"*/{MANIFEST_NAME}")
    )
    rows = [row for folder in folders for row in measured(open_artifact(folder))]
    if options.write:
        write(merged(known(), rows), NEEDS)
        print(f"{len(rows)} rows in {NEEDS}")
        return 0
    PlainConsole().print(compared(rows))
    off = [row for row in rows if abs(_share(row, known()) - 1) > TOLERANCE]
    return 1 if off else 0


def measured(artifact: Artifact) -> Iterator[MeasuredNeed]:
    """One row per component of an artifact."""
    manifest = artifact.manifest
    spec = get_spec(manifest.model)
    for entry in manifest.components:
        if entry.export_peak_rss_mib is None or entry.export_s is None:
            continue
        module = empty_module(spec, entry.component)
        yield MeasuredNeed(
            model=spec.name,
            component=entry.component,
            target=manifest.target,
            mode=manifest.mode,
            precision=entry.precision,
            weights=sum(weight.numel() for weight in module.state_dict().values()),
            peak_rss_mib=entry.export_peak_rss_mib,
            export_s=entry.export_s,
            pte_bytes=entry.pte_bytes,
        )


def merged(old: Iterable[MeasuredNeed], new: Iterable[MeasuredNeed]) -> list[MeasuredNeed]:
    """Old rows with new ones in their places, in a fixed order."""
    rows = {_place(row): row for row in (*old, *new)}
    return [rows[place] for place in sorted(rows)]


def write(rows: Iterable[MeasuredNeed], path: Path) -> None:
    """Keep a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(MeasuredNeed.model_fields), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.model_dump() for row in rows)


def markdown(rows: Iterable[MeasuredNeed]) -> list[str]:
    """The table for readers: full-size models alone."""
    headings = "| model | component | for | mode | precision | peak MiB | file, bytes |"
    shown = (row for row in rows if not get_spec(row.model).is_miniature)
    return [
        headings,
        "|---|---|---|---|---|---|---|",
        *(
            f"| {' | '.join(_place(row))} | {row.peak_rss_mib:,.0f} | {row.pte_bytes:,} |"
            for row in shown
        ),
    ]


def compared(rows: Iterable[MeasuredNeed]) -> Table:
    """What was said, what it took, and their quotient."""
    table = Table(title="memory of exports, MiB", show_edge=False, pad_edge=False)
    table.add_column("what", overflow="fold")
    for heading in ("took", "said", "took/said", "took/others"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        others = [one for one in known() if one.model != row.model]
        by_others = f"{_share(row, others):.2f}" if others else ""
        told = (f"{row.peak_rss_mib:,.0f}", f"{row.peak_rss_mib / _share(row, known()):,.0f}")
        shares = (f"{_share(row, known()):.2f}", by_others)
        table.add_row(" ".join(_place(row)), *told, *shares)
    return table


def _share(row: MeasuredNeed, rows: Sequence[MeasuredNeed]) -> float:
    return row.peak_rss_mib / expected_need(row, rows).peak_rss_mib


def _place(row: MeasuredNeed) -> tuple[str, ...]:
    return row.model, row.component, row.target, row.mode, row.precision


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))

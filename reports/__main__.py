"""Command line: ``python -m reports [--run DIR|latest] [--results DIR] [--out DIR]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UserError
from harness.results.runs import default_results_directory, latest_run
from reports.build import build_report

LATEST = "latest"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a report and say where it is; 2 if there is nothing to build it from."""
    options = _parser().parse_args(arguments)
    try:
        run = latest_run(options.results) if options.run == LATEST else Path(options.run)
        summary = build_report(run, options.out)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{summary.word}: {summary.sentence}")
    for file in summary.files:
        print(file)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    parser.add_argument(
        "--run", default=LATEST, help="folder of a run, or 'latest' (default) of --results"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=default_results_directory(),
        help="folder with all runs (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports/out"),
        help="where to write index.html, results.csv, samples.jsonl and junit.xml "
        "(default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

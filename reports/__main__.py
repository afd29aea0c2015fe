"""Command line: the report of a run, or a bundle of it for a bug report."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.errors import UserError
from harness.results.rows.basics import utc_now
from harness.results.runs import default_results_directory, find_run
from reports.build import REPORT_FILES, build_report
from reports.bundle import write_bundle


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a report and say where it is; 2 if it cannot be built or written."""
    options = _parser().parse_args(arguments)
    try:
        since = None if options.since is None else parse_since(options.since, utc_now())
        if options.bundle is not None:
            print(write_bundle(find_run(options.results, options.bundle), options.out, since))
            return 0
        summary = build_report(find_run(options.results, options.run), options.out, since)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        place = error.filename or options.out
        print(
            f"{place} cannot be read or written ({error.strerror}); name another folder with "
            "--out, or with --results.",
            file=sys.stderr,
        )
        return 2
    print(f"{summary.word}: {summary.sentence}")
    for file in summary.files:
        print(file)
    return 0


def parse_since(text: str, now: datetime) -> datetime:
    """A date such as ``2026-11-01``, or a span before now such as ``30d`` or ``8w``.

    Raises:
        UserError: If it is neither.
    """
    if span := re.fullmatch(r"(\d{1,4})([dw])", text):
        return now - timedelta(days=int(span[1]) * (7 if span[2] == "w" else 1))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            f"--since {text!r} is no date such as 2026-11-01 and no span such as 30d or 8w; give "
            "one of them."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    parser.add_argument(
        "--run",
        default="latest",
        metavar="RUN",
        help="a run's folder, its id, or 'latest' (default) of --results",
    )
    parser.add_argument(
        "--bundle",
        metavar="RUN",
        help="pack report, rows and evidence of a run into a ZIP file for a bug report",
    )
    parser.add_argument(
        "--since",
        metavar="WHEN",
        help="how far trends and comparisons look back: 2026-11-01, 30d or 8w (default: 90d before "
        "the run)",
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
        help=f"where to write {', '.join(REPORT_FILES)} (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

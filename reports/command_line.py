"""Command line: the report of a run, or a bundle of it for a bug report."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from harness.display import shown
from harness.errors import UserError
from harness.options.command_line import add_arguments
from harness.options.values import Values, resolve
from harness.results.rows.basics import utc_now
from harness.results.runs import find_run
from reports.build import build_report
from reports.bundle import write_bundle


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a report and say where it is; 2 if it cannot be built or written."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    add_arguments(parser, "reports")
    typed = vars(parser.parse_args(arguments))
    try:
        return _build(resolve("reports", typed))
    except UserError as error:
        print(shown(str(error)), file=sys.stderr)
        return 2


def _build(options: Values) -> int:
    results, out = options["results"], options["report_dir"]
    since = options["trends_since"] and parse_since(options["trends_since"], utc_now())
    try:
        if options["bundle"] is not None:
            print(write_bundle(find_run(results, options["bundle"]), out, since))
            return 0
        summary = build_report(find_run(results, options["reported_run"]), out, since)
    except OSError as error:
        raise UserError(
            f"{error.filename or out} cannot be read or written ({error.strerror}); name another "
            "folder with --out, or with --results."
        ) from error
    print(shown(f"{summary.word}: {summary.sentence}"))
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

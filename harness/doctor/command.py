"""``python -m harness doctor`` on the screen."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.doctor.finding import Finding


def show_findings(findings: Sequence[Finding], as_json: bool) -> int:
    """Print what was found.

    Args:
        findings: In their order.
        as_json: Print JSON instead of a table.

    Returns:
        0 if a run could start, on the phone where one is asked for, else 1.
    """
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        _print_table(findings)
    return int(any(finding.blocks_run for finding in findings))


def _print_table(findings: Sequence[Finding]) -> None:
    table = Table(title="snapgate doctor", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark = "[green]✓[/]" if finding.problem is None else _problem_mark(finding)
        table.add_row(mark, finding.subject, escape(finding.value))
    console = Console(highlight=False)
    console.print(table)
    for finding in findings:
        if finding.problem is not None:
            console.print(f"{_problem_mark(finding)} {finding.subject}: {escape(finding.problem)}")


def _problem_mark(finding: Finding) -> str:
    return "[red]✗[/]" if finding.blocks_run else "[yellow]![/]"

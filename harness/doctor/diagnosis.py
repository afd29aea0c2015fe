"""What the doctor looked at, and how that is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table
from rich.text import Text

from harness.console import PlainConsole

_SUBJECT_COLUMNS = 30
"""Of 80; the rest is for what was found."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at.

    Attributes:
        subject: What was looked at: a package, a folder, a phone.
        value: What was found.
        problem: What is wrong and what to type, None if nothing is.
        blocks_run: Whether no run of the kind that was asked for can start with that problem.
        note: What is worth knowing although nothing is wrong here; None for nothing.
    """

    subject: str
    value: str
    problem: str | None = None
    blocks_run: bool = False
    note: str | None = None


def show_diagnoses(diagnoses: Sequence[Diagnosis], as_json: bool) -> int:
    """Print what was found.

    Returns:
        0 if a run could start, on the phone where one is asked for, else 1.
    """
    if as_json:
        print(json.dumps([asdict(diagnosis) for diagnosis in diagnoses], indent=2))
    else:
        _print_table(diagnoses)
    return int(any(diagnosis.blocks_run for diagnosis in diagnoses))


def _print_table(diagnoses: Sequence[Diagnosis]) -> None:
    table = Table(title="snapgate doctor", show_header=False)
    table.add_column(no_wrap=True)
    # Serials on the network are long, and are typed as they stand here.
    table.add_column(overflow="fold", max_width=_SUBJECT_COLUMNS)
    table.add_column(overflow="fold")
    for diagnosis in diagnoses:
        mark = Text("✓", "green") if diagnosis.problem is None else _problem_mark(diagnosis)
        table.add_row(mark, diagnosis.subject, diagnosis.value)
    console = PlainConsole()
    console.print(table)
    for diagnosis in diagnoses:
        if diagnosis.problem is not None:
            told = f" {diagnosis.subject}: {diagnosis.problem}"
            console.print(_problem_mark(diagnosis).append(told))
    for note, subjects in _notes(diagnoses).items():
        console.print(Text.assemble(("i", "blue"), f" {', '.join(subjects)}: {note}"))


def _notes(diagnoses: Sequence[Diagnosis]) -> dict[str, list[str]]:
    """Subjects by what is to be known of all of them."""
    alike: dict[str, list[str]] = {}
    for diagnosis in diagnoses:
        if diagnosis.note is not None:
            alike.setdefault(diagnosis.note, []).append(diagnosis.subject)
    return alike


def _problem_mark(diagnosis: Diagnosis) -> Text:
    return Text.assemble(("✗", "red") if diagnosis.blocks_run else ("!", "yellow"))

"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What.
        value: What was found.
        problem: What is wrong and what to type, None if nothing is.
        blocks_run: Whether no run of the kind that was asked for can start with that problem.
    """

    subject: str
    value: str
    problem: str | None = None
    blocks_run: bool = False

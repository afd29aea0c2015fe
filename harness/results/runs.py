"""Runs by name: folders of one session each, side by side in a results folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from platformdirs import user_data_path

from harness.errors import UserError
from harness.results.rows import utc_now


def default_results_directory() -> Path:
    """Where runs are kept unless ``--results`` says otherwise."""
    return user_data_path("snapgate", appauthor=False) / "runs"


def new_run_id() -> str:
    """Name for a run: UTC second for sorting, random end for two starts in one second."""
    return f"{utc_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def latest_run(results: Path) -> Path:
    """The folder of the run that started last.

    Raises:
        UserError: If there is none.
    """
    runs = sorted({journal.parent for journal in results.glob("*/rows-*.jsonl")})
    if not runs:
        raise UserError(
            f"{results} holds no runs; make one with `pytest -m accuracy`, or name another folder "
            "with --results."
        )
    return runs[-1]

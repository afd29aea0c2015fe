"""Runs by name, side by side in a results folder, and how they ended."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import UserError
from harness.measure.exit_status import worst_status
from harness.options.command_line import command_line
from harness.results.rows.basics import utc_now
from harness.results.rows.session import SessionEndRow, SessionRow
from harness.results.stored_run import RUN_ID, is_run_folder, stored_runs


def new_run_id() -> str:
    """Name for a run: UTC second, random end for two starts in one second."""
    return f"{utc_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def check_run_id(text: str) -> str:
    """A name as :func:`new_run_id` makes them.

    Raises:
        UserError: If it has another shape.
    """
    if not RUN_ID.fullmatch(text):
        raise UserError(
            f"--run-id {text!r} is no name of a run such as {new_run_id()}; leave --run-id out "
            "for a new one."
        )
    return text


def started_at(run_id: str) -> datetime:
    """When a run started, to the second, as its name says.

    Raises:
        UserError: If the name is not one that ``new_run_id`` makes.
    """
    try:
        return datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise UserError(
            f"Run {run_id!r} is not named by the time of its start, as {new_run_id()} is; rename "
            "its folder."
        ) from error


def latest_run(results: Path) -> Path:
    """The folder of the run that happened last, whatever clocks said.

    Raises:
        UserError: If there is none.
    """
    runs = stored_runs(results)
    if not runs:
        raise UserError(
            f"{results} holds no runs; make one with `pytest -m accuracy`, or name another folder "
            "with --results."
        )
    return runs[-1].folder


def find_run(results: Path, name: str) -> Path:
    """The folder of a run by its name, the beginning of its name, ``latest``, or a path.

    Raises:
        UserError: If there is none, or several names begin like that.
    """
    if name == "latest":
        return latest_run(results)
    path = Path(name)
    path = path.parent if path.match("rows-*.jsonl") else path
    if name and is_run_folder(path):
        return path
    if name and is_run_folder(results / name):
        return results / name
    word, runs = name.rstrip("/"), stored_runs(results)
    found = [run for run in runs if run.run_id == word]
    found = found or [run for run in runs if word and run.run_id.startswith(word)]
    if len(found) == 1:
        return found[0].folder
    if not found:
        listing = command_line("results", {"table": "runs", "results": results})
        raise UserError(f"{results} holds no run {name!r}; list what it holds with: {listing}")
    names = ", ".join(run.run_id for run in found)
    raise UserError(
        f"{len(found):,} runs of {results} begin with {name!r}: {names}; give more of the name."
    )


def is_controller(worker: str) -> bool:
    """Whether a process was a session's own rather than a worker, by ``SessionRow.worker``."""
    return worker.partition("-")[0] == "main"


def run_status(sessions: Iterable[SessionRow], ends: Sequence[SessionEndRow]) -> int | None:
    """The worst exit status of a run's sessions; None unless all of them came to their end.

    A session that failed beside one that is inconclusive makes the run red, whichever ended first.

    Args:
        sessions: Of all processes that began.
        ends: Of the sessions that wrote how they ended.
    """
    if len(ends) < max(sum(is_controller(row.worker) for row in sessions), 1):
        return None
    return worst_status(row.exit_status for row in ends)

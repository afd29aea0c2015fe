"""How a run ended to which several sessions may have added in turn."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from harness.results.rows.session import SessionEndRow, SessionRow


def is_controller(worker: str) -> bool:
    """Whether a process was a session's own rather than a worker, by ``SessionRow.worker``."""
    return worker.partition("-")[0] == "main"


def is_finished(workers: Iterable[str], ends: int) -> bool:
    """Whether all sessions came to their end.

    Args:
        workers: Of all processes that began.
        ends: How many sessions wrote how they ended.
    """
    return ends >= max(sum(map(is_controller, workers)), 1)


def run_status(workers: Iterable[str], exit_statuses: Collection[int]) -> int | None:
    """The worst exit status of a run's sessions; None unless all of them came to their end.

    Smaller is worse (design §9): a session that failed beside one that is inconclusive makes the
    run red, whichever ended first.

    Args:
        workers: Of all processes that began.
        exit_statuses: Of the sessions that ended.
    """
    if not is_finished(workers, len(exit_statuses)):
        return None
    return min(filter(None, exit_statuses), default=0)


def status_of_rows(sessions: Iterable[SessionRow], ends: Iterable[SessionEndRow]) -> int | None:
    """As ``run_status``, from rows."""
    return run_status([row.worker for row in sessions], [row.exit_status for row in ends])

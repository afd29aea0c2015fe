"""How a run ended to which several sessions may have added in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.results.rows.session import SessionEndRow, SessionRow


def is_controller(worker: str) -> bool:
    """Whether a process was a session's own rather than a worker, by ``SessionRow.worker``."""
    return worker.partition("-")[0] == "main"


def run_status(sessions: Iterable[SessionRow], ends: Sequence[SessionEndRow]) -> int | None:
    """The worst exit status of a run's sessions; None unless all of them came to their end.

    Smaller is worse (design §9): a session that failed beside one that is inconclusive makes the
    run red, whichever ended first.

    Args:
        sessions: Of all processes that began.
        ends: Of the sessions that wrote how they ended.
    """
    if len(ends) < max(sum(is_controller(row.worker) for row in sessions), 1):
        return None
    return min((row.exit_status for row in ends if row.exit_status), default=0)

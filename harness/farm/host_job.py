"""One job on its host: the command, and what its end means."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from harness.farm.exported_folders import export_name
from harness.farm.host_words import HostWords
from harness.farm.job import Job, JobKind
from harness.farm.order import Assignment, JobOutcome
from harness.kept_output import last_lines, read_kept
from harness.measure.exit_status import EXIT_STATUS, TREND_ALERT, UNJUDGED
from harness.measure.verdict import Status
from harness.measure.wording import end_in_words

_BLOCKED = EXIT_STATUS[Status.BLOCKED]
_ENDS: Mapping[JobKind, frozenset[int]] = {
    "session": frozenset({0, *EXIT_STATUS.values(), TREND_ALERT, UNJUDGED}),
    "export": frozenset({0}),
}
"""Exit statuses that tell how a job ended (design §9)."""
_REFUSALS: Mapping[JobKind, frozenset[int]] = {
    "session": frozenset({4, 5}),
    "export": frozenset({2}),
}
"""Of a host that lacks something, or a command line that is wrong wherever it is typed."""


def command_of(job: Job, serialno: str | None, folder: Path, words: HostWords) -> list[str]:
    """What is typed on this host.

    Args:
        job: What is to be done.
        serialno: Phone that it gets.
        folder: The job's own.
        words: The host's own.
    """
    if job.kind == "export":
        named = ["--name", export_name(job)]
        return [sys.executable, "-m", "harness", "export", *job.words, *named, *words.of(job, None)]
    own = ["--results", str(folder / "results"), "--report-dir", str(folder / "report")]
    own += ["-p", "no:cacheprovider"]
    if serialno is not None:
        own += ["--serial", serialno]
    return [sys.executable, "-m", "pytest", *job.words, *words.of(job, serialno), *own]


def fault_of(
    assignment: Assignment, status: int | None, log: Path, host: str, *, has_phone: bool
) -> JobOutcome | None:
    """What is wrong with an end that judges nothing; None for one that is stored.

    Args:
        assignment: The job, and its phone.
        status: Exit status of its process; None if it took too long.
        log: What it printed.
        host: Where.
        has_phone: Whether its phone is still there.
    """
    kind, serialno = assignment.order.job.kind, assignment.serialno
    last = " ".join(last_lines(read_kept(log))[-1:]) if log.exists() else ""
    last = last or "it printed nothing"
    if status != 0 and serialno is not None and not has_phone:
        said = f"it is no longer at {host}"
        return JobOutcome(kind="phone broke", exit_status=status, said=said)
    if status == _BLOCKED and serialno is not None and not assignment.takes_blocked:
        # Somebody uses it, it is hot, or it was gone for a while: another one may be fit.
        said = f"it was not fit to measure: {last}"
        return JobOutcome(kind="phone broke", exit_status=status, said=said)
    if status in _ENDS[kind]:
        return None
    if status is None:
        return JobOutcome(kind="died", said=f"it took too long on {host}: {last}")
    said = f"it {end_in_words(status)} on {host}: {last}"
    is_refusal = status in _REFUSALS[kind]
    return JobOutcome(kind="refused" if is_refusal else "died", exit_status=status, said=said)

"""Many gates a night: a red performance gate is measured once more, from cold, before it counts.

Forty gates at 3 % would paint every night red by chance (statistics §2.7). Ask ``needs_rerun``
after a first verdict, re-run in a fresh session, and let ``settle`` say what counts.
"""

from __future__ import annotations

from harness.measure.metrics import get_metric
from harness.measure.verdict import Status


def needs_rerun(status: Status, metric: str) -> bool:
    """Whether a first verdict has to be repeated from cold.

    Never for correctness, size or export: what repeats exactly is wrong the first time.

    Args:
        status: Of the first verdict.
        metric: Name of the metric that was judged.

    Raises:
        UserError: If there is no such metric.
    """
    return status is Status.FAIL and get_metric(metric).kind == "performance"


def settle(first: Status, rerun: Status) -> Status:
    """What counts after a re-run: red only if it repeats.

    A pass after a red verdict contradicts it, so neither is believed: INCONCLUSIVE. A re-run that
    came to nothing (BLOCKED, INCONCLUSIVE) stands as it is.

    Args:
        first: The verdict that asked for the re-run.
        rerun: The verdict of the re-run.

    Raises:
        ValueError: If the first verdict was not red, so there was nothing to repeat.
    """
    if first is not Status.FAIL:
        raise ValueError(f"a verdict {first} is not measured again")
    return Status.INCONCLUSIVE if rerun is Status.PASS else rerun

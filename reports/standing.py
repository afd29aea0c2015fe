"""How a verdict stands on the page: by its status, but what passed without a gate apart."""

from __future__ import annotations

from harness.measure.exit_status import EXIT_STATUS
from harness.measure.verdict import Status
from harness.results.rows.schema import VerdictRow

VALID = "valid"
"""Its runs count, and nobody judged the figure: a speed that is no phone's."""

LABELS = {
    Status.PASS.value: "PASS",
    Status.FAIL.value: "FAIL",
    Status.INCONCLUSIVE.value: "INCONCLUSIVE",
    Status.NO_GATE.value: "NO GATE",
    Status.BLOCKED.value: "BLOCKED",
    VALID: "VALID",
}

SEVERITY = (*(status.value for status in EXIT_STATUS), Status.PASS.value, VALID)
"""Worst first, in the order that decides the exit status of a session."""

UNALARMING = (Status.PASS.value, VALID)
"""What nobody has to look at."""


def standing(row: VerdictRow) -> str:
    """One of ``SEVERITY``."""
    return VALID if row.is_valid_alone else row.status.value

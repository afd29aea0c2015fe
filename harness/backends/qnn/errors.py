"""What the log lines of a failure mean and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from harness.backends.qnn.qnn_errors import QNN_ERRORS
from harness.backends.qnn.runner_errors import RUNNER_ERRORS
from harness.backends.qnn.start_errors import START_ERRORS

KNOWN_ERRORS = (*START_ERRORS, *QNN_ERRORS, *RUNNER_ERRORS)
"""What does not start says nothing else, so that comes first."""


def explain(lines: Iterable[str]) -> str | None:
    """Cause and remedy of a failure, None where no line is known.

    All lines are looked at: the one that says most decides, wherever it stands.

    Args:
        lines: Log lines of ExecuTorch and QNN, of the linker and of the shell.
    """
    log = "\n".join(lines)
    told = ((known.weight, known.explain(log)) for known in KNOWN_ERRORS)
    found = [(weight, text) for weight, text in told if text is not None]
    # Of equal weights, max takes the first.
    return max(found, key=itemgetter(0))[1] if found else None

"""One measured value, which runs count, and when too few do (statistics §2.3)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.measure.wording import plural


@dataclass(frozen=True)
class Sample:
    """One value of one run, kept even when it does not count.

    Attributes:
        value: In the metric's unit; infinite only where that means something, never NaN.
        invalid_reason: Why the value must not be judged ("thermal status rose"), None if it may.
    """

    value: float
    invalid_reason: str | None = None

    def __post_init__(self) -> None:
        if math.isnan(self.value):
            raise ValueError("a sample must be a number, not NaN")


MAX_INVALID_SHARE = 0.3
"""Share of runs that may be invalid before nothing is judged."""


@dataclass(frozen=True)
class RunOutcome:
    """What decides whether a run counts.

    Attributes:
        generated_tokens: Tokens behind the first one.
        output: Hash of the answer, or the answer's token ids themselves.
        disturbance: What happened to the device during the run: its thermal status rose, its clock
            fell. None if nothing did.
        degeneracy: Why the answer says nothing; None if it may say something.
    """

    generated_tokens: int
    output: Hashable
    disturbance: str | None = None
    degeneracy: str | None = None


def invalid_reason(
    run: RunOutcome, wanted_tokens: int | None, first_output: Hashable
) -> str | None:
    """Why a run does not count, None if it does.

    Args:
        run: The run.
        wanted_tokens: Fixed token count of every run; None if the count is free.
        first_output: Of the first run of the same artifact, which all others must repeat.
    """
    if wanted_tokens is not None and run.generated_tokens != wanted_tokens:
        return f"{run.generated_tokens} decoded tokens instead of {wanted_tokens}"
    if run.degeneracy is not None:
        return f"the answer says nothing: {run.degeneracy}"
    if run.output != first_output:
        return "the answer differs from the first run's"
    return run.disturbance


def too_many_invalid(invalid: int, runs: int) -> bool:
    """Whether nothing can be judged: more than 30 % of the runs do not count, or there are none."""
    return runs == 0 or invalid > MAX_INVALID_SHARE * runs


def describe_invalid(samples: Sequence[Sample]) -> str:
    """Why nothing can be judged: how many runs do not count, and their reasons by frequency."""
    if not samples:
        return "no run reported it, so there is nothing to judge"
    reasons = Counter(sample.invalid_reason for sample in samples if sample.invalid_reason)
    listed = ", ".join(f"{reason} ({plural(n, 'run')})" for reason, n in reasons.most_common())
    share = f"{MAX_INVALID_SHARE:.0%}".replace("%", " %")
    return (
        f"{reasons.total()} of {plural(len(samples), 'run')} do not count, more than {share}:"
        f" {listed}; look at the reasons and measure again"
    )

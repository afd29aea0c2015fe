"""Which runs count, and when too few do (statistics.md §2.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.sample import Sample
from harness.measure.wording import plural

MAX_INVALID_SHARE = 0.3
"""Share of runs that may be invalid before nothing is judged."""

MAX_CLOCK_DROP = 0.05
"""Share by which the highest allowed clock may fall during a run; governors round."""


@dataclass(frozen=True)
class ThermalState:
    """How hot a device was, before or after a run.

    Attributes:
        status: Android's thermal status, 0 for none up to 6 for shutdown; None where unknown.
        max_clock_mhz: Highest clock that the device allows itself now; None where unknown.
    """

    status: int | None = None
    max_clock_mhz: float | None = None


@dataclass(frozen=True)
class RunFacts:
    """What decides whether a run counts.

    Attributes:
        generated_tokens: Tokens behind the first one.
        output_hash: Of the answer's token ids; None where nothing is compared.
        before: Thermal state when the run began, None where nobody looked.
        after: The same when it had ended.
    """

    generated_tokens: int
    output_hash: str | None = None
    before: ThermalState | None = None
    after: ThermalState | None = None


def invalid_reason(
    run: RunFacts, *, wanted_tokens: int | None, reference_hash: str | None
) -> str | None:
    """Why a run does not count, None if it does.

    Args:
        run: The facts.
        wanted_tokens: Fixed token count of every run; None if the count is free.
        reference_hash: Of the correctness run or the first run; None if there is none.
    """
    if wanted_tokens is not None and run.generated_tokens != wanted_tokens:
        return f"{run.generated_tokens} decoded tokens instead of {wanted_tokens}"
    if None not in (run.output_hash, reference_hash) and run.output_hash != reference_hash:
        return "the answer differs from the first run's"
    if run.before is None or run.after is None:
        return None
    return _thermal_reason(run.before, run.after)


def _thermal_reason(before: ThermalState, after: ThermalState) -> str | None:
    if before.status is not None and after.status is not None and after.status > before.status:
        return f"thermal status rose from {before.status} to {after.status}"
    if before.max_clock_mhz is None or after.max_clock_mhz is None:
        return None
    if after.max_clock_mhz < (1 - MAX_CLOCK_DROP) * before.max_clock_mhz:
        return f"the clock fell from {before.max_clock_mhz:g} to {after.max_clock_mhz:g} MHz"
    return None


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

"""Rows about judgements other than by a gate: comparisons of two artifacts, and quarantine."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from harness.results.rows.basics import Frozen, Subject, Text, UtcTime, utc_now
from harness.vocabulary import Component

ComparisonOutcome = Literal["same", "faster", "slower", "inconclusive", "blocked"]


class ComparisonRow(Subject):
    """One metric of two artifacts, measured in turn on one device.

    ``artifact_key`` is the candidate's.

    Attributes:
        baseline_key: Key of the artifact that it is compared with.
        baseline_name: Its folder's name, with as many parents as tell the two apart.
        candidate_name: The same of the candidate.
        differ_in: In what their manifests differ, empty for nothing.
        metric: Name with its unit.
        unit: Of the two medians.
        outcome: The candidate against the baseline.
        ratio: Candidate over baseline, as the paired runs estimate it; None when too few count.
        lower: Lower 95 % confidence bound of the ratio.
        upper: Upper 95 % confidence bound of the ratio.
        p_value: Chance of such a difference, or a larger one, between equals.
        n_pairs: Pairs that counted.
        baseline_median: Of the baseline's valid samples, in the metric's unit.
        candidate_median: Of the candidate's.
        sentence: The evidence, in one sentence.
        component: The component measured; None for the whole model.
        cold_session: 0 for the first comparison, 1 for the one made once more from cold because
            the candidate was slower; the one with the highest counts.
        quarantined: Whether ``thresholds/quarantine.toml`` keeps it from turning the night red.
        at: When the outcome was reached.
    """

    kind: Literal["comparison"] = "comparison"
    baseline_key: str
    metric: str
    unit: str
    outcome: ComparisonOutcome
    ratio: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None
    n_pairs: int = Field(ge=0)
    baseline_median: float | None = None
    candidate_median: float | None = None
    sentence: Text
    component: Component | None = None
    cold_session: int = Field(default=0, ge=0)
    quarantined: bool = False
    baseline_name: Text = ""
    candidate_name: Text = ""
    differ_in: Text = ""
    at: UtcTime = Field(default_factory=utc_now)

    @property
    def names(self) -> tuple[str, str]:
        """Baseline and candidate as a person calls them; rows of old know keys alone."""
        keys = self.baseline_key[:12], (self.artifact_key or "unknown")[:12]
        return self.baseline_name or keys[0], self.candidate_name or keys[1]


class QuarantineRow(Frozen):
    """One row of ``thresholds/quarantine.toml`` as a session found it.

    Attributes:
        metric: Name with its unit.
        model: Registry name.
        where: The other selectors in words, empty for everywhere.
        owner: Who sees to it.
        reason: Why its verdict is not trusted.
        expires: Last day on which it holds.
        expired: Whether that day was over.
        at: When the session looked.
    """

    kind: Literal["quarantine"] = "quarantine"
    metric: str
    model: str
    where: str = ""
    owner: Text
    reason: Text
    expires: date
    expired: bool
    at: UtcTime = Field(default_factory=utc_now)

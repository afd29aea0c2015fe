"""A gate: what a metric must reach, where that applies, and who says so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, field_validator, model_validator

from harness.errors import UserError, suggest
from harness.measure.metrics import METRICS, get_metric
from harness.measure.wording import bound
from harness.targets.registry import KnownTarget, get_target, speedless_targets, target_names
from harness.targets.soc import KnownSoc
from harness.vocabulary import PRECISIONS, Component, Mode, Protocol, Target

Confidence = Literal["measured", "published", "provisional", "derived"]

SELECTORS = ("target", "soc", "mode", "precision", "component")
"""Fields that narrow where a gate applies; one that is None matches everything."""


@dataclass(frozen=True)
class Context:
    """Where samples were measured.

    Attributes:
        soc: None on the host.
        mode: None for what does not depend on it, such as the vision encoder's size.
        precision: Of the component, or the recipe's label where several components took part.
        component: None for a metric of the whole run.
        protocol: ``upstream`` only for runs that repeat upstream's own test (contract §7).
        workload: Of speed where it is not that of a turn of 128 steps about the usual question,
            ``66 steps`` for instance (statistics §2.1).
    """

    model: str
    target: Target
    soc: str | None = None
    mode: Mode | None = None
    precision: str | None = None
    component: Component | None = None
    protocol: Protocol = "snapgate"
    workload: str | None = None

    def describe(self) -> str:
        """``smolvlm_500m text_decoder 16a8w kv on phone SM8650``."""
        what = (self.model, self.component, self.precision, self.mode)
        where = (self.target, self.soc)
        suffix = " (upstream protocol)" if self.protocol == "upstream" else ""
        suffix += f" ({self.workload})" if self.workload else ""
        return f"{_words(what)} on {_words(where)}{suffix}"


def _words(parts: Iterable[str | None]) -> str:
    return " ".join(part for part in parts if part is not None)


class Selection(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """What rows of ``thresholds/`` are about: one metric of one model, and where it is measured.

    Attributes:
        precision: One word, or ``component=precision`` pairs where a recipe mixes them; details of
            a recipe follow in brackets.
        workload: As in ``Context``; runs of others are another population, which the row does not
            judge.
    """

    metric: str
    model: str
    target: KnownTarget | None = None
    soc: str | None = None
    mode: Mode | None = None
    precision: str | None = None
    component: Component | None = None
    protocol: Protocol = "snapgate"
    workload: str | None = None

    @field_validator("metric")
    @classmethod
    def _metric_exists(cls, name: str) -> str:
        if name not in METRICS:
            raise ValueError(f"there is no metric {name!r}; {suggest(name, METRICS)}")
        return name

    @property
    def population(self) -> tuple[Protocol, str | None]:
        """How it was measured: numbers of two are never held against one bound."""
        return self.protocol, self.workload

    @property
    def selectors(self) -> str:
        """Those that are fixed: ``target=phone, soc=SM8650``."""
        fixed = {name: getattr(self, name) for name in (*SELECTORS, "workload")}
        return ", ".join(f"{name}={value}" for name, value in fixed.items() if value is not None)

    def applies_to(self, metric: str, context: Context) -> bool:
        """Whether the row is about a metric measured there."""
        return (
            self.metric == metric
            and self.model == context.model
            and self.population == (context.protocol, context.workload)
            and all(getattr(self, name) in (None, getattr(context, name)) for name in SELECTORS)
        )


class Gate(Selection):
    """One row of ``thresholds/<model>.toml``.

    Attributes:
        min: The metric must be at least this.
        max: The metric must be at most this.
        report_only: Measure and show, judge nothing; ``reason`` says why.
        confidence: Where the bound comes from: ``measured`` by us, ``published`` by somebody else,
            ``provisional`` until somebody measures, ``derived`` from sizes that are known.
        source: URL, run id or section that the bound can be traced to.
        since: Date from which the row holds.
    """

    soc: KnownSoc | None = None
    min: float | None = None
    max: float | None = None
    report_only: bool = False
    reason: str | None = None
    confidence: Confidence | None = None
    source: str
    since: date

    @field_validator("precision")
    @classmethod
    def _precision_exists(cls, label: str | None) -> str | None:
        named, _, _ = (label or "").partition("[")
        for part in named.split(",") if named else ():
            word = part.rpartition("=")[2]
            if word not in PRECISIONS:
                raise ValueError(f"there is no precision {word!r}; {suggest(word, PRECISIONS)}")
        return label

    @model_validator(mode="after")
    def _judges_or_says_why_not(self) -> Gate:
        has_bound = self.min is not None or self.max is not None
        if has_bound == self.report_only:
            raise ValueError("a gate needs either a bound (min, max or both) or report_only = true")
        if self.report_only != (self.reason is not None):
            raise ValueError("report_only needs a reason, and nothing else does")
        if has_bound and self.confidence is None:
            raise ValueError("a bound needs a confidence")
        if min(self.bounds, default=0) < 0 and not METRICS[self.metric].is_signed:
            raise ValueError(
                f"{self.metric} is never negative, so {bound(self.min, self.max)} is no gate"
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self

    @model_validator(mode="after")
    def _names_the_device_it_judges(self) -> Gate:
        if self.report_only or METRICS[self.metric].kind != "performance":
            return self
        speedless = speedless_targets()
        if self.target is None or self.target in speedless:
            judged = (name for name in target_names() if name not in speedless)
            why = "; ".join(target.why_no_speed for target in speedless.values())
            raise ValueError(
                f"{self.metric} is a performance metric: its gate needs target"
                f" {' or '.join(judged)}, since {why}"
            )
        if get_target(self.target).backend.is_htp and self.soc is None:
            raise ValueError(
                f"{self.metric} on a {self.target} is judged per SoC: name it with soc"
            )
        return self

    @property
    def bounds(self) -> tuple[float, ...]:
        """``min`` and ``max``, those there are."""
        return tuple(limit for limit in (self.min, self.max) if limit is not None)

    @property
    def specificity(self) -> int:
        """How many selectors the row fixes."""
        return sum(getattr(self, name) is not None for name in SELECTORS)

    def describe(self) -> str:
        """``decode_tps >= 50 (target=phone, soc=SM8650; since 2026-01-26, source ...)``."""
        judged = "report only" if self.report_only else bound(self.min, self.max)
        return (
            f"{self.metric} {judged} ({self.selectors}; since {self.since}, source {self.source})"
        )


def find_gate(gates: Iterable[Gate], metric: str, context: Context) -> Gate | None:
    """The most specific gate of a metric that applies, None if there is none.

    Raises:
        UserError: If there is no such metric, or two equally specific gates apply.
    """
    get_metric(metric)
    applying = [gate for gate in gates if gate.applies_to(metric, context)]
    if not applying:
        return None
    most = max(gate.specificity for gate in applying)
    best = [gate for gate in applying if gate.specificity == most]
    if len(best) > 1:
        raise UserError(
            f"{len(best)} equally specific gates apply to {metric} of {context.describe()}:"
            f" {best[0].describe()} and {best[1].describe()}; keep one of them in"
            f" thresholds/{context.model}.toml, or narrow one with {', '.join(SELECTORS)}."
        )
    return best[0]


def gate_margin(value: float | None, minimum: float | None, maximum: float | None) -> float | None:
    """Share of the nearest bound by which a value is inside of it; negative for outside.

    Args:
        value: In the bounds' unit.
        minimum: The gate's lower bound.
        maximum: Its upper bound.

    Returns:
        None without a finite value or a bound other than 0.
    """
    if value is None or not math.isfinite(value):
        return None
    sides = [(minimum, 1), (maximum, -1)]
    shares = [sign * (value - limit) / abs(limit) for limit, sign in sides if limit]
    return min(shares, default=None)

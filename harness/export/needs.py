"""What an export will take, from what exports took: told before it begins, and checked afterwards.

``needs.csv`` is written by ``python -m benchmarks.export_needs`` from artifacts' own manifests.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from harness.artifacts.manifest import ComponentFile
from harness.export.request import ExportRequest
from harness.vocabulary import COMPONENTS, Component, Mode, Precision, Target

if TYPE_CHECKING:
    from harness.checkpoint.checkpoint import Checkpoint

NEEDS = Path(__file__).with_name("needs.csv")

TOLERANCE = 0.2
"""Share by which an export may take more or less than was said."""

WORTH_SAYING_GIB = 1
"""Memory of a component that nobody with a machine of today need hear of."""

_COMPARABLE = math.log(10)
"""Logarithm of the quotient of two sizes, up to which one says something of the other."""


class ExportOrder(BaseModel, frozen=True, extra="forbid"):
    """One component that is to be exported, as far as memory and time depend on it.

    Attributes:
        model: Name of the model.
        weights: How many numbers the component has.
    """

    model: str
    component: Component
    target: Target
    mode: Mode
    precision: Precision
    weights: int

    @property
    def described(self) -> str:
        """What sets it apart from other exports of its component."""
        return f"{self.model} in {self.precision}, {self.mode}, for the {self.target}"


class MeasuredNeed(ExportOrder, frozen=True):
    """What the export of one component took.

    Attributes:
        peak_rss_mib: Peak resident set of the exporting process.
        export_s: Wall time on two cores.
        pte_bytes: Of the file.
    """

    peak_rss_mib: float
    export_s: float
    pte_bytes: int


@dataclass(frozen=True)
class Need:
    """What the export of one component will take.

    Attributes:
        component: Which one.
        peak_rss_mib: Of memory.
        export_s: On two cores with nothing else to do.
        pte_bytes: Of disk; as much again while it is written.
        measured_on: Export that says so; another model's is scaled by the number of weights.
    """

    component: Component
    peak_rss_mib: float
    export_s: float
    pte_bytes: int
    measured_on: ExportOrder


@dataclass(frozen=True)
class ArtifactNeed:
    """What the components of an artifact take."""

    components: tuple[Need, ...]

    @property
    def largest(self) -> Need:
        """The component that takes the most memory."""
        return max(self.components, key=lambda need: need.peak_rss_mib)

    @property
    def peak_gib(self) -> float:
        """Memory in GiB without which there is no export: that of one component at a time."""
        return self.largest.peak_rss_mib / 1024

    @property
    def export_s(self) -> float:
        """Of all components one after the other, with nothing else to do."""
        return sum(need.export_s for need in self.components)

    @property
    def disk_bytes(self) -> int:
        """All files, and the largest of them once more while it is written."""
        sizes = [need.pte_bytes for need in self.components]
        return sum(sizes) + max(sizes)


def artifact_need(request: ExportRequest, checkpoint: Checkpoint) -> ArtifactNeed:
    """What an export will take.

    Args:
        request: What is wanted.
        checkpoint: Of which the headers of its weight files have been read.
    """
    orders = [
        ExportOrder(
            model=checkpoint.spec.name,
            component=component,
            target=request.target,
            mode=request.mode,
            precision=request.recipe.precision(component),
            weights=weights_of(checkpoint, component),
        )
        for component in COMPONENTS
    ]
    return ArtifactNeed(tuple(expected_need(order, known()) for order in orders))


def weights_of(checkpoint: Checkpoint, component: Component) -> int:
    """How many numbers a component has."""
    total = 0
    for placed in checkpoint.components[component].values():
        count = 1
        for side in placed.stored.shape:
            count *= side
        total += count
    return total


@cache
def known() -> tuple[MeasuredNeed, ...]:
    """All rows of the table."""
    with NEEDS.open(newline="", encoding="utf-8") as file:
        return tuple(MeasuredNeed.model_validate(row) for row in csv.DictReader(file))


def expected_need(order: ExportOrder, rows: Sequence[MeasuredNeed]) -> Need:
    """What a component will take by the row that is most like it, scaled by its weights.

    Args:
        order: What is to be exported.
        rows: What exports took; at least one of this component.
    """

    def unlike(row: MeasuredNeed) -> tuple[bool, bool, bool, bool, bool, float]:
        """What matters most first: a process of miniatures is all libraries."""
        times = abs(math.log(order.weights / row.weights))
        return (
            times > _COMPARABLE,
            row.precision != order.precision,
            row.target != order.target,
            row.mode != order.mode,
            row.model != order.model,
            times,
        )

    nearest = min((row for row in rows if row.component == order.component), key=unlike)
    share = order.weights / nearest.weights
    empty_mib = min(row.peak_rss_mib for row in rows if row.target == nearest.target)
    return Need(
        order.component,
        empty_mib + (nearest.peak_rss_mib - empty_mib) * share,
        nearest.export_s * share,
        int(nearest.pte_bytes * share),
        nearest,
    )


def surprises(said: ArtifactNeed, built: Iterable[ComponentFile]) -> list[str]:
    """Components that took more memory than was said, or less, by more than a fifth.

    Args:
        said: Before the export.
        built: What it built.
    """
    expected = {need.component: need for need in said.components}
    told = []
    for one in built:
        need, peak_mib = expected[one.component], one.export_peak_rss_mib
        if peak_mib is None or max(peak_mib, need.peak_rss_mib) <= WORTH_SAYING_GIB * 1024:
            continue
        if abs(peak_mib / need.peak_rss_mib - 1) > TOLERANCE:
            told.append(
                f"the {one.component} took {peak_mib:,.0f} MiB of memory where "
                f"{need.peak_rss_mib:,.0f} were expected, as measured on "
                f"{need.measured_on.described}"
            )
    return told

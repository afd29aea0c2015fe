"""How near a speed of decoding is to what the SoC's memory allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.measure.roofline import roofline_share
from harness.results.rows.schema import SampleRow, VerdictRow
from harness.targets.registry import targets

LIMIT_METRICS = {
    "ms_per_token_of_weights": "weights and KV cache",
    "ms_per_token_lower_bound": "compiler's traffic",
}
"""Traffic of a decode step over the SoC's peak bandwidth, with where it is known from; the HTP
compiler's own count comes last, as it goes before what sizes let presume."""

STEP_METRIC = "tokens_per_step"
"""How many tokens a pass yields, and so how far lookahead may go beyond one token per traffic."""


@dataclass(frozen=True)
class RooflineShare:
    """Part of what memory allows that was reached.

    Attributes:
        share: 0.45 for 45 %.
        source: Where the traffic of a decode step is known from, in words.
    """

    share: float
    source: str


class Roofline:
    """Limits of a run's artifacts; a speed that no limit is known for has no share.

    Args:
        samples: All samples of the run, or of several.
    """

    def __init__(self, samples: Iterable[SampleRow]) -> None:
        valid = [sample for sample in samples if sample.valid]
        limits = [row for metric in LIMIT_METRICS for row in valid if row.metric == metric]
        self._by_artifact = {row.artifact_key: row for row in limits if row.artifact_key}
        self._by_place = {_place(row): row for row in limits}
        self._steps = {_place(row): row.value for row in valid if row.metric == STEP_METRIC}

    def share(self, row: VerdictRow) -> RooflineShare | None:
        """Share of the bandwidth limit that a verdict's median reaches.

        A speed on the emulator or on this host's CPU says nothing about the SoC's memory, and one
        with lookahead nothing unless the run counted the tokens of a pass.
        """
        target = targets().get(row.target or "")
        is_bound = target is not None and target.is_bound_by_dram
        if row.metric != "decode_tps" or not is_bound or row.median is None:
            return None
        limit = self._by_artifact.get(row.artifact_key or "") or self._by_place.get(_place(row))
        per_step = self._steps.get(_place(row)) if row.mode == "lookahead" else 1.0
        if limit is None or per_step is None:
            return None
        share = roofline_share(row.median, limit.value, per_step)
        return RooflineShare(share, LIMIT_METRICS[limit.metric])


def _place(row: SampleRow | VerdictRow) -> tuple[str | None, ...]:
    return (row.model, row.soc, row.mode, row.precision)

"""How near a speed of decoding is to what the SoC's memory allows."""

from __future__ import annotations

from collections.abc import Iterable

from harness.measure.roofline import roofline_share
from harness.results.rows import SampleRow, VerdictRow

LIMIT_METRIC = "ms_per_token_lower_bound"
"""Traffic of a decode step, as the HTP compiler counts it, over the SoC's peak bandwidth."""

STEP_METRIC = "tokens_per_step"
"""How many tokens a pass yields, and so how far lookahead may go beyond one token per traffic."""


class Roofline:
    """Limits of a run's artifacts; a speed that no limit is known for has no share.

    Args:
        samples: All samples of the run, or of several.
    """

    def __init__(self, samples: Iterable[SampleRow]) -> None:
        valid = [sample for sample in samples if sample.valid]
        limits = [sample for sample in valid if sample.metric == LIMIT_METRIC]
        self._by_artifact = {row.artifact_key: row.value for row in limits if row.artifact_key}
        self._by_place = {_place(row): row.value for row in limits}
        self._steps = {_place(row): row.value for row in valid if row.metric == STEP_METRIC}

    def share(self, row: VerdictRow) -> float | None:
        """Share of the bandwidth limit that a verdict's median reaches, 0.45 for 45 %.

        A speed on the emulator or on this host's CPU says nothing about the SoC's memory, and one
        with lookahead nothing unless the run counted the tokens of a pass.
        """
        if row.metric != "decode_tps" or row.target != "phone" or row.median is None:
            return None
        limit_ms = self._by_artifact.get(row.artifact_key or "") or self._by_place.get(_place(row))
        per_step = self._steps.get(_place(row)) if row.mode == "lookahead" else 1.0
        if limit_ms is None or per_step is None:
            return None
        return roofline_share(row.median, limit_ms, per_step)


def _place(row: SampleRow | VerdictRow) -> tuple[str | None, ...]:
    return (row.model, row.soc, row.mode, row.precision)

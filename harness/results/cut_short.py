"""Comparisons that a session began and did not finish: what is stored of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from harness.measure.wording import plural
from harness.options.groups.judging import PAIRS
from harness.results.rows.schema import ComparisonRow, SampleRow, SessionRow


def describe_cut_short(
    samples: Iterable[SampleRow],
    comparisons: Iterable[ComparisonRow],
    sessions: Sequence[SessionRow],
) -> Iterator[str]:
    """One sentence per comparison whose runs are stored and whose outcome is not.

    Args:
        samples: Of the run.
        comparisons: That came to an outcome.
        sessions: Whose options say how many pairs were planned.
    """
    told = {(row.model, row.mode, row.device) for row in comparisons}
    runs: dict[tuple[str | None, ...], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in samples:
        if row.side is not None and row.cold_session == 0:
            runs[row.model, row.mode, row.device][row.side].add(row.run_index)
    for subject, sides in runs.items():
        if subject not in told:
            pairs = min(len(sides["A"]), len(sides["B"]))
            where = " ".join(filter(None, subject[:2])) + f" on {subject[2]}"
            yield (
                f"The comparison of {where} has {pairs:,} of {plural(_planned(sessions), 'pair')} "
                "in the store and no outcome."
            )


def _planned(sessions: Sequence[SessionRow]) -> int:
    given = [row.options.get("pairs") for row in sessions]
    return next((value for value in given if isinstance(value, int)), PAIRS)

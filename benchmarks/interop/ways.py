"""Upstream's files run in two ways, conversation by conversation: as ours, and as its users do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from benchmarks.interop.answers import Agreement, GeneratedAnswers, correct_share


@dataclass(frozen=True)
class Ways:
    """What upstream's files answer in either way.

    Attributes:
        ours: By default: empty cache slots hold zero points.
        upstream: With ``--upstream_compat``: what users of upstream's runner get.
        upstream_loop: ``upstream`` against the plain loop with upstream's cache.
        expected: Right answers of the conversations that have one.
    """

    ours: GeneratedAnswers
    upstream: GeneratedAnswers
    upstream_loop: Agreement
    expected: Mapping[str, str]

    @property
    def equal(self) -> float:
        """Share of conversations with the same tokens in both ways."""
        same = [self.ours[name].token_ids == self.upstream[name].token_ids for name in self.ours]
        return sum(same) / len(same)


def way_tables(cases: Mapping[str, Ways]) -> list[Table]:
    """The shares of all cases, then every conversation of each.

    Args:
        cases: By model and mode.
    """
    return [_shares(cases), *(_conversations(name, ways) for name, ways in cases.items())]


def _shares(cases: Mapping[str, Ways]) -> Table:
    table = Table(title="Upstream's files: what users of upstream's runner get, and users of ours")
    table.add_column("model and mode")
    for heading in (
        "conversations",
        "equal tokens in both",
        "right for upstream's users",
        "right for ours",
        "upstream's way equal to plain loop",
    ):
        table.add_column(heading, justify="right")
    for name, ways in cases.items():
        table.add_row(
            name,
            str(len(ways.ours)),
            f"{ways.equal:.3f}",
            _right(ways.upstream, ways.expected),
            _right(ways.ours, ways.expected),
            f"{ways.upstream_loop.identical:.3f}",
        )
    return table


def _right(answers: GeneratedAnswers, expected: Mapping[str, str]) -> str:
    return f"{correct_share(answers, expected):.3f} of {len(expected)}"


def _conversations(case: str, ways: Ways) -> Table:
    table = Table(title=f"{case}, upstream's files", show_lines=True)
    headings = ("conversation", "right answer", "upstream's runner", "ours", "tokens")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for name, ours in ways.ours.items():
        upstream = ways.upstream[name]
        table.add_row(
            name,
            ways.expected.get(name, ""),
            _marked(upstream.text, ways.expected.get(name)),
            _marked(ours.text, ways.expected.get(name)),
            "equal" if ours.token_ids == upstream.token_ids else "differ",
        )
    return table


def _marked(text: str, expected: str | None) -> str:
    """An answer with its verdict; one that nothing judges as it is."""
    if expected is None:
        return text
    return f"{text} (right)" if text == expected else f"{text} (wrong)"

"""Fragments that link to a row of the page, the same every night."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from harness.results.rows.schema import OutcomeRow


def anchor(kind: str, *named: object) -> str:
    """Fragment of a row.

    Args:
        kind: Of row.
        named: What tells it from others; nothing that another night or a new build changes.
    """
    return f"{kind}-{hashlib.sha256(repr(named).encode()).hexdigest()[:10]}"


def outcome_anchors(kind: str, rows: Iterable[OutcomeRow]) -> tuple[str, ...]:
    """Fragments of tests; one that ran several times in a run has its number behind it."""
    seen: Counter[str] = Counter()
    anchors = []
    for row in rows:
        name = anchor(kind, row.test_id, row.target)
        seen[name] += 1
        anchors.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return tuple(anchors)

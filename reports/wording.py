"""Words and numbers that several parts of the page write alike."""

from __future__ import annotations

from harness.results.rows.schema import Subject


def subject_words(row: Subject) -> str:
    """Mode, precision, target and SoC of a row, as far as they are known."""
    return configuration_words(row.mode, row.precision, row.target, row.soc, row.protocol)


def configuration_words(
    mode: str | None,
    precision: str | None,
    target: str | None,
    soc: str | None,
    protocol: str | None,
) -> str:
    """``hybrid · 16a4w · phone · SM8650``; the protocol is told where it is not ours."""
    words = (mode, precision, target, soc)
    upstream = "upstream protocol" if protocol == "upstream" else None
    return " · ".join(word for word in (*words, upstream) if word)


def percent(share: float, digits: int = 1) -> str:
    """``5.3 %``."""
    return f"{100 * share:.{digits}f} %"

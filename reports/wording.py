"""Words and numbers that several parts of the page write alike."""

from __future__ import annotations

from harness.results.rows.schema import Subject
from harness.results.series import Series


def subject_words(row: Subject | Series) -> str:
    """``hybrid · 16a4w · phone · SM8650``; the protocol is told where it is not ours."""
    upstream = "upstream protocol" if row.protocol == "upstream" else None
    words = (row.mode, row.precision, row.target, row.soc, upstream)
    return " · ".join(word for word in words if word)


def percent(share: float, digits: int = 1) -> str:
    """``5.3 %``."""
    return f"{100 * share:.{digits}f} %"

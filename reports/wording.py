"""Words and numbers that several parts of the page write alike."""

from __future__ import annotations

import math
from typing import Literal

from harness.results.rows.schema import Subject
from harness.results.series import Series

YesNo = Literal["yes", "no"]


def subject_words(row: Subject | Series) -> str:
    """``hybrid · 16a4w · phone · SM8650``; the protocol is told where it is not ours."""
    upstream = "upstream protocol" if row.protocol == "upstream" else None
    words = (row.mode, row.precision, row.target, row.soc, upstream)
    return " · ".join(word for word in words if word)


def percent(share: float, digits: int = 1) -> str:
    """``5.3 %``."""
    return f"{100 * share:.{digits}f} %"


def rounded(value: float | None) -> float | None:
    """Six digits are more than a chart shows; None for what JSON cannot carry."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def yes_or_no(condition: bool) -> YesNo:
    """As the page's filters ask for it."""
    return "yes" if condition else "no"

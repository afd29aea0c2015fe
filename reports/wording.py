"""Words, numbers and links that several parts of the page write alike."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from harness.measure.wording import figure, number
from harness.results.rows.schema import OutcomeRow, Subject
from harness.results.series import Series

YesNo = Literal["yes", "no"]


def subject_words(row: Subject | Series) -> str:
    """``hybrid · 16a4w · phone · SM8650``; unusual protocols and workloads are told."""
    upstream = "upstream protocol" if row.protocol == "upstream" else None
    words = (row.mode, row.precision, row.target, row.soc, upstream, row.workload)
    return " · ".join(word for word in words if word)


def percent(share: float, digits: int = 1) -> str:
    """``5.3 %``."""
    return f"{100 * share:.{digits}f} %"


_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def took(seconds: float) -> str:
    """How long something took: ``42 s``, ``7 min 3 s``, ``2 h 5 min``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def without_colours(text: str) -> str:
    """What a terminal printed, without the codes that colour it."""
    return _TERMINAL_COLOUR.sub("", text)


def day(moment: datetime) -> str:
    """``18 November``."""
    return f"{moment:%-d %B}"


def change(share: float) -> str:
    """``+5.3 %``."""
    return ("+" if share >= 0 else "\N{MINUS SIGN}") + percent(abs(share))


def unit_words(unit: str) -> str:
    """A unit as it is written behind ``measured``; nothing for what has none to tell."""
    return "" if unit in ("1", "share", "byte") else unit


def measured(value: float, unit: str) -> str:
    """``92.3``, to be followed by its unit, but ``1.862 MiB``: bytes have one that suits each."""
    return " ".join(figure(value, unit)) if unit == "byte" else number(value)


def level_words(before: float | None, after: float, unit: str) -> str:
    """``92.3 → 80.9 token/s``."""
    start = "" if before is None else f"{measured(before, unit)} → "
    return f"{start}{measured(after, unit)} {unit_words(unit)}".strip()


def rounded(value: float | None) -> float | None:
    """Six digits are more than a chart shows; None for what JSON cannot carry."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def yes_or_no(condition: bool) -> YesNo:
    """As the page's filters ask for it."""
    return "yes" if condition else "no"


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

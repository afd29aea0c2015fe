"""Numbers as verdict sentences write them, ends of processes, and rows of TOML to paste."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Mapping
from datetime import date

_EXACT = 10**15
"""Below this a float holds every digit of a whole number, and a person can still read them."""


def number(value: float, digits: int = 4) -> str:
    """Significant digits of a measured value, but every digit of a whole number below 1e15.

    ``812.3``, ``110,000,001``. Compare an exactly known value with its bound at ``digits=10``, lest
    0.99999 be written as 1.
    """
    is_whole = math.isfinite(value) and value == round(value)
    has_all_digits = abs(value) < _EXACT and (is_whole or abs(value) >= 10**digits)
    return f"{value:,.0f}" if has_all_digits else f"{value:.{digits}g}"


_BYTE = "byte"
_MULTIPLES = ("KiB", "MiB", "GiB", "TiB")


def figure(value: float, unit: str, digits: int = 4) -> tuple[str, str]:
    """A value and its unit as people read them: ``("92.3", "token/s")``, ``("1.862", "MiB")``.

    Args:
        value: In ``unit``.
        unit: As ``harness.measure.metrics`` names it; bytes become a multiple of theirs.
        digits: Significant ones.
    """
    text = number(value, digits)
    if unit != _BYTE or not 1024 <= abs(value) < math.inf:
        return text, unit
    for power, multiple in enumerate(_MULTIPLES, start=1):
        text, unit = number(value / 1024**power, digits), multiple
        # As it is written: no 1,024 MiB beside a GiB.
        if abs(float(text.replace(",", ""))) < 1024:
            break
    return text, unit


def beside_gate(
    value: float | None, minimum: float | None, maximum: float | None, unit: str
) -> tuple[str, str, str]:
    """A value and both sides of its gate as they stand beside each other; empty what is missing.

    Bytes bear a unit of their own each: ``("1.862 MiB", "", "4 GiB")``, other values none. What
    would read alike and is not is written by all of its digits, lest 4,294,967,296 bytes fail a
    gate of 4 GiB as "4 GiB".
    """
    sides = (minimum, maximum)
    told = [_of_gate(value, unit, 4), *(_of_gate(side, unit, 10) for side in sides)]
    if len(set(told)) < len({value, *sides}):
        whole = f" {_BYTE}" if unit == _BYTE else ""
        told = ["" if one is None else number(one, 10) + whole for one in (value, *sides)]
    first, second, third = told
    return first, second, third


def _of_gate(value: float | None, unit: str, digits: int) -> str:
    if value is None:
        return ""
    return " ".join(figure(value, unit)) if unit == _BYTE else number(value, digits)


def bound(
    minimum: float | None, maximum: float | None, unit: str = "", beside: float | None = None
) -> str:
    """``>= 50``, ``<= 0.3`` or ``>= 90 and <= 110``.

    Args:
        minimum: None for no lower side.
        maximum: None for no upper side.
        unit: For bytes in a unit that suits them; empty for every digit.
        beside: What was measured, where that stands beside it.
    """
    _, *sides = beside_gate(beside, minimum, maximum, unit)
    signed = zip((">=", "<="), sides, strict=True)
    return " and ".join(f"{sign} {side}" for sign, side in signed if side)


def plural(count: int, noun: str) -> str:
    """``1 run``, ``5 runs``, ``1,000 runs``."""
    return f"{count} {noun}" if count == 1 else f"{number(count)} {noun}s"


def render_row(table: str, values: Mapping[str, object]) -> str:
    """One row of an array of tables, ``[[gate]]`` for instance, ended by a newline.

    Args:
        table: Name of the array.
        values: Texts, numbers, dates and truth values by key.
    """
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    return "\n".join([f"[[{table}]]", *lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{int(value):_}" if value == int(value) else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    # The one control character that JSON writes as it is and TOML forbids.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_SHELL_ADDS = 128
"""To the number of the signal that ended a program."""

_NO_EXIT_CODE = -1
"""Stands for that of a run that left none."""


def end_in_words(exit_code: int) -> str:
    """``ended with exit code 137 (Killed)``: nobody writes that into the log of a run.

    Args:
        exit_code: Of a process; of one that a signal ended as a shell tells it, or negative.
    """
    number = -exit_code if exit_code < _NO_EXIT_CODE else exit_code - _SHELL_ADDS
    name = f" ({signal.strsignal(number)})" if number in signal.valid_signals() else ""
    return f"ended with exit code {exit_code}{name}"

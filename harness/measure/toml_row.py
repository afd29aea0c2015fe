"""Rows of TOML to paste into a file of ``thresholds/``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date


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

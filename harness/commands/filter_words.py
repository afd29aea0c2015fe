"""Words of filters that no row has: those that one might have, and those that are mistyped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pandas as pd

from harness.errors import UserError, suggest
from harness.measure.metrics import METRICS
from harness.measure.verdict import Status
from harness.results.query import select
from harness.targets.registry import target_names
from harness.targets.soc import SOCS
from harness.vlm.registry import is_own_name, known_models
from harness.vocabulary import COMPONENTS, MODES, PRECISIONS


def _among(words: Callable[[], Iterable[str]]) -> Callable[[str], bool]:
    return lambda typed: typed.casefold() in {word.casefold() for word in words()}


_MAY_BE: Mapping[str, Callable[[str], bool]] = {
    "metric": _among(lambda: METRICS),
    "model": lambda typed: typed in known_models() or is_own_name(typed),
    "target": _among(target_names),
    "soc": _among(lambda: SOCS),
    "mode": _among(lambda: MODES),
    "component": _among(lambda: COMPONENTS),
    "status": _among(lambda: Status),
    "precision": lambda typed: any(word in typed.casefold() for word in PRECISIONS),
    "device": lambda typed: not typed,
}
"""By column: whether a value that no row has is one that a row could have had.

Devices are whatever rows know. In other columns anything may be asked for.
"""


def absent(frame: pd.DataFrame, wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Column and value of each filter that leaves no row by itself."""
    for name, values in wanted.items():
        for value in values:
            if select(frame, {name: [value]}).empty:
                yield name, value


def no_such_row(frame: pd.DataFrame, name: str, value: str, table: str) -> str:
    """Says so, with the values that rows have."""
    known = frame[name].dropna().astype(str).unique()
    return f"No row of {table} has {name} {value!r}; {suggest(value, known)}."


def refuse_unknown(frame: pd.DataFrame, wanted: Mapping[str, Sequence[str]], table: str) -> None:
    """Refuse a value that no row has because nothing is called so.

    Raises:
        UserError: If there is one; the message names the values that come near.
    """
    for name, value in absent(frame, wanted):
        is_possible = _MAY_BE.get(name)
        # An empty text stands for a missing value.
        if value and is_possible is not None and not is_possible(value):
            raise UserError(no_such_row(frame, name, value, table))

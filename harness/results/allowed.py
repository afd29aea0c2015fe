"""Runs that are green only because ``--allow`` took their endings off the list (design §9)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.errors import UserError
from harness.measure.exit_status import ALLOWABLE, UNJUDGED_WORD, parse_allow
from harness.results.history import History
from harness.results.series import JUDGED_BY


def find_allowed(history: History) -> Mapping[str, tuple[str, ...]]:
    """What ``--allow`` let through, by name of the run; runs without any of it are left out.

    Args:
        history: With sessions, verdicts, comparisons and outcomes.
    """
    asked = _asked(history.sessions)
    found = {run: _let_through(history, run, words) for run, words in asked.items() if words}
    return {run: words for run, words in found.items() if words}


def _asked(sessions: pd.DataFrame) -> Mapping[str, frozenset[str]]:
    """What the sessions of each run were told to allow."""
    asked: dict[str, frozenset[str]] = {}
    for row in sessions.to_dict("records"):
        told = json.loads(str(row["options"])).get("allow")
        run = str(row["run_id"])
        asked[run] = asked.get(run, frozenset()) | _words(told)
    return asked


def _words(told: Any) -> frozenset[str]:
    """The value of ``--allow``; nothing where another version knew other words."""
    try:
        return parse_allow(told) if isinstance(told, str) else frozenset()
    except UserError:
        return frozenset()


def _let_through(history: History, run: str, asked: frozenset[str]) -> tuple[str, ...]:
    sessions, verdicts, comparisons, outcomes = (
        frame[frame["run_id"] == run]
        for frame in (history.sessions, history.verdicts, history.comparisons, history.outcomes)
    )
    last = verdicts.sort_values("cold_session", kind="stable").drop_duplicates(
        list(JUDGED_BY), keep="last"
    )
    put_aside = {
        test for frame in (last, comparisons) for test in frame.loc[_quarantined(frame), "test_id"]
    }
    ended = set(last.loc[~_quarantined(last), "status"].dropna())
    ended |= set(outcomes.loc[~outcomes["test_id"].isin(put_aside), "status"].dropna())
    found: list[str] = [
        status.value for status in ALLOWABLE if status.value in asked and status in ended
    ]
    judged = outcomes["status"].notna() | (outcomes["outcome"] != "skipped")
    is_whole = len(outcomes) >= sessions["planned"].fillna(0).sum()
    if UNJUDGED_WORD in asked and not (is_whole and judged.any()):
        found.append(UNJUDGED_WORD)
    return tuple(found)


def _quarantined(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["quarantined"].fillna(False).astype(bool)

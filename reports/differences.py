"""What is not as it was in the last green run: code, packages, phones, options, gates, ..."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.past import Past


@dataclass(frozen=True)
class Difference:
    """One fact that changed.

    Attributes:
        group: Kind of fact, ``package`` for instance.
        name: Which one.
        before: In the last green run; None where it was absent.
        after: In this run; None where it is absent.
    """

    group: str
    name: str
    before: str | None
    after: str | None


def find_differences(past: Past) -> tuple[Difference, ...]:
    """This run against the last green one; empty without one."""
    if past.green is None:
        return ()
    then, now = (_facts(past, past.nights[number].run_id) for number in (past.green, past.now))
    names = dict.fromkeys((*then, *now))
    found = (
        Difference(group, name, then.get((group, name)), now.get((group, name)))
        for group, name in names
    )
    return tuple(one for one in found if one.before != one.after and not _is_unasked(one))


def _is_unasked(difference: Difference) -> bool:
    """Whether one of the runs just did not judge that configuration."""
    absent = difference.before is None or difference.after is None
    return absent and difference.group in ("artifact", "gate")


def _facts(past: Past, run_id: str) -> Mapping[tuple[str, str], str]:
    facts: dict[tuple[str, str], str] = {}
    for parts in (_session, _devices, _gates, _artifacts):
        facts.update(parts(past, run_id))
    return facts


def _rows(frame: pd.DataFrame, run_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame[frame["run_id"] == run_id].to_dict("records")
    return rows


def _session(past: Past, run_id: str) -> Iterator[tuple[tuple[str, str], str]]:
    for row in _rows(past.history.sessions, run_id)[:1]:
        if not pd.isna(row["git_commit"]):
            commit = str(row["git_commit"])
            yield ("code", "commit"), commit[:12] + commit[40:]
        for name, version in json.loads(row["versions"]).items():
            yield ("package", name), version
        for name, value in json.loads(row["options"]).items():
            yield ("option", name), value if isinstance(value, str) else json.dumps(value)


def _devices(past: Past, run_id: str) -> Iterator[tuple[tuple[str, str], str]]:
    for row in _rows(past.history.devices, run_id):
        for name in ("fingerprint", "qnn_version"):
            if not pd.isna(row[name]):
                yield ("device", f"{row['device']} {name.replace('_', ' ')}"), str(row[name])


def _gates(past: Past, run_id: str) -> Iterator[tuple[tuple[str, str], str]]:
    where = ("metric", "model", "component", "mode", "soc", "target")
    for row in _rows(past.history.verdicts, run_id):
        sides = (("≥", row["gate_min"]), ("≤", row["gate_max"]))
        bound = " ".join(f"{sign} {limit:g}" for sign, limit in sides if not pd.isna(limit))
        if bound:
            name = " ".join(str(row[field]) for field in where if not pd.isna(row[field]))
            yield ("gate", name), bound


def _artifacts(past: Past, run_id: str) -> Iterator[tuple[tuple[str, str], str]]:
    where = ("model", "mode", "precision", "target", "soc")
    for row in _rows(past.history.verdicts, run_id):
        if not pd.isna(row["artifact_key"]):
            name = " ".join(str(row[field]) for field in where if not pd.isna(row[field]))
            yield ("artifact", name), str(row["artifact_key"])[:12]

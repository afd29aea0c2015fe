"""What a session and its devices were, as facts by name that two sessions can be compared by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

Fact = tuple[tuple[str, str], str]
"""A fact's group and name, ``package`` and ``torch`` for instance, and its value."""

_OF_EVERY_RUN = ("run_id", "results", "report_dir")
"""Options that say where a run is written; they decide nothing and differ night by night."""


def session_facts(session: Mapping[str, Any]) -> Iterator[Fact]:
    """Commit, packages, options and host of a row of ``History.sessions``."""
    if not pd.isna(session["git_commit"]):
        commit = str(session["git_commit"])
        yield ("code", "commit"), commit[:12] + commit[40:]
    for name, version in json.loads(session["versions"]).items():
        yield ("package", name), version
    for name, value in json.loads(session["options"]).items():
        if name not in _OF_EVERY_RUN:
            yield ("option", f"--{name.replace('_', '-')}"), _text(value)
    for name, value in json.loads(session["host"]).items():
        yield ("host", name.replace("_", " ")), _text(value)


def device_facts(device: Mapping[str, Any]) -> Iterator[Fact]:
    """Firmware and QNN libraries of a row of ``History.devices``."""
    for name in ("fingerprint", "qnn_version"):
        if not pd.isna(device[name]):
            yield ("device", f"{device['device']} {name.replace('_', ' ')}"), str(device[name])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)

"""Rows of earlier schema versions, lifted to the present one as they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from harness.results.rows.schema import SCHEMA_VERSION

Fields = dict[str, Any]
Migration = Callable[[Fields], Fields]


def _to_version_2(row: Fields) -> Fields:
    """Version 2 added fields with defaults and kinds of rows; no row of version 1 changed."""
    return {**row, "schema_version": 2} if row.get("kind") == "session" else row


MIGRATIONS: Mapping[int, Migration] = MappingProxyType({1: _to_version_2})
"""What lifts a row by one version, by the version that it leaves."""


def migrate(
    row: Fields,
    version: int,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    wanted: int = SCHEMA_VERSION,
) -> Fields:
    """A row of an earlier version as this version would have written it.

    Args:
        row: Fields as read from JSON.
        version: Schema version of the journal file that it is from.
        migrations: One step per version.
        wanted: Version to reach.
    """
    for step in range(version, wanted):
        row = migrations[step](row)
    return row

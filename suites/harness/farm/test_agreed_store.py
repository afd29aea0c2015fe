"""A session and its hosts mean one store, or the session says so before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.farm.agreed_store import agreed_store
from harness.farm.demand import Host
from harness.farm.store import FarmStore


def host(store: str | None) -> Host:
    return Host(name="ada", cores=1, memory_gib=1, store=store)


def test_an_empty_place_becomes_a_store_where_nobody_has_one(tmp_path: Path) -> None:
    store = FarmStore(str(tmp_path))
    identity = agreed_store(store, [host(None)])
    assert store.identity() == identity == agreed_store(store, [host(identity), host("other")])
    assert agreed_store(store, []) == identity


def test_an_empty_place_beside_hosts_with_a_store_is_refused_and_left_empty(tmp_path: Path) -> None:
    """As where the session's folder is not mounted."""
    with pytest.raises(UserError, match="is no store yet, and hosts of the farm have theirs"):
        agreed_store(FarmStore(str(tmp_path)), [host("theirs"), host(None)])
    assert list(tmp_path.iterdir()) == []


def test_another_store_is_refused_unless_a_host_may_still_reach_it(tmp_path: Path) -> None:
    store = FarmStore(str(tmp_path))
    identity = store.begin()
    with pytest.raises(UserError, match=f"is the store {identity}, and hosts .* have theirs"):
        agreed_store(store, [host("theirs")])
    assert agreed_store(store, [host("theirs"), host(None)]) == identity

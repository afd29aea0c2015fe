"""A host offers what it has now, however its last look went."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.devices.phone.fleet.inventory import Inventory
from harness.devices.transport.found_phone import Discovery
from harness.farm import offer as offer_module
from harness.farm.host_phones import HostPhones
from harness.farm.offer import HostOffer
from harness.farm.store import FarmStore

ROOT = Path(__file__).parents[3]


def wait_until(happened: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end_s, "it never happened"
        time.sleep(0.05)


@pytest.fixture
def store(tmp_path: Path) -> FarmStore:
    return FarmStore(str(tmp_path / "störe"))


def test_a_host_offers_a_store_as_soon_as_there_is_one_and_never_begins_one(
    store: FarmStore, tmp_path: Path
) -> None:
    phones = HostPhones(None, Inventory(), tmp_path / "left.json")
    with HostOffer("ada", ROOT, phones, store, None) as offer:
        assert offer.host.store is None
        time.sleep(1.5)
        assert not (tmp_path / "störe").exists()
        identity = store.begin()
        wait_until(lambda: offer.host.store == identity)
        assert offer.host.name == "ada"
        assert not offer.has_phone("P0")


def test_a_look_that_fails_is_not_the_last_one(
    store: FarmStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    looks = []

    def find() -> Discovery:
        looks.append(len(looks))
        if len(looks) == 2:
            raise ZeroDivisionError("a defect")
        return Discovery((), ())

    monkeypatch.setattr(offer_module, "_LOOK_EVERY", 1)
    phones = HostPhones(find, Inventory(), tmp_path / "left.json")
    with (
        caplog.at_level(logging.ERROR),
        HostOffer("ada", ROOT, phones, store, None),
    ):
        wait_until(lambda: len(looks) > 3)
    assert "a look at this host failed" in caplog.text

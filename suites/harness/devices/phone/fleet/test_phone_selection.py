"""Workers keep to their phones night after night."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.phone.fleet.phone_selection import phones_of_workers

PHONES = st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True)
LAB = tuple(f"R5CT{number}" for number in range(20))


@given(PHONES, st.data())
def test_every_worker_has_a_phone_of_its_own(phones: list[str], data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, len(phones)))
    dealt = phones_of_workers(workers, phones)
    assert len(set(dealt)) == len(dealt) == workers
    assert set(dealt) <= set(phones)


@given(PHONES, st.randoms())
def test_the_order_in_which_phones_were_found_does_not_matter(
    phones: list[str], random: Random
) -> None:
    shuffled = random.sample(phones, len(phones))
    assert phones_of_workers(len(phones), shuffled) == phones_of_workers(len(phones), phones)


@pytest.mark.parametrize("missing", LAB)
def test_a_phone_that_is_missing_moves_few_workers(missing: str) -> None:
    before = phones_of_workers(4, LAB)
    after = phones_of_workers(4, [phone for phone in LAB if phone != missing])
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    assert moved == ([missing] if missing in before else [])


def test_more_workers_than_phones_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="2 workers and 1 phones"):
        phones_of_workers(2, ["A", "A"])

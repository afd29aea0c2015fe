"""How often the same was done before: what ``--again`` counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from harness.farm.order import JobOrder
from harness.farm.patient_store import PatientStore

Of = TypeVar("Of", bound=Sequence[str])


def in_their_round(
    orders: Mapping[JobOrder, Of], store: PatientStore, *, again: bool
) -> dict[JobOrder, Of]:
    """Orders in the round that they belong to.

    The latest round of which the store has anything goes on, so that a command that was interrupted
    continues when it is typed again; ``again`` begins another one if that is whole and a session
    has taken it.

    Args:
        orders: In the first round.
        store: Knows what ended.
        again: Whether to run anew what is whole.
    """
    number, found = 0, _found(orders, store, 0)
    while found and (later := _found(orders, store, number + 1)):
        number, found = number + 1, later
    if again and found == len(orders) and store.are_taken(_keys(orders, number)):
        number += 1
    return _moved(orders, number)


def _found(orders: Mapping[JobOrder, Of], store: PatientStore, number: int) -> int:
    """How many of a round's jobs ended."""
    return len(store.find_ends(_keys(orders, number)))


def _keys(orders: Mapping[JobOrder, Of], number: int) -> list[str]:
    return [order.job.key for order in _moved(orders, number)]


def _moved(orders: Mapping[JobOrder, Of], number: int) -> dict[JobOrder, Of]:
    """The same orders in another round, each behind those that it waits for there."""
    keys = {order.job.key: order.job.model_copy(update={"round": number}).key for order in orders}
    return {
        order.model_copy(
            update={
                "job": order.job.model_copy(update={"round": number}),
                "after": tuple(keys.get(key, key) for key in order.after),
            }
        ): told
        for order, told in orders.items()
    }

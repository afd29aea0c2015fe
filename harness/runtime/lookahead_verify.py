"""How much of a lookahead pass is the answer (contract §4.8). Imports without torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from harness.runtime.lookahead_branch import Ngram
from harness.runtime.lookahead_slots import LookaheadSlots


def accepted_path(
    choose: Callable[[int], int],
    slots: LookaheadSlots,
    candidates: Sequence[Ngram],
    most: int,
    stop_ids: Collection[int],
) -> list[tuple[int, int]]:
    """Follow the model's own choices through the candidates as long as one of them foresaw them.

    Greedy decoding would have made exactly these choices, one per pass.

    Args:
        choose: The model's choice behind the token in a slot.
        slots: Where the candidates stand.
        candidates: The pass's n-grams without their first token.
        most: Tokens that still fit, at least one.
        stop_ids: Tokens that end the answer.

    Returns:
        Slots to keep, in the order of their positions, each with the token chosen behind it. The
        last of these tokens is in no slot.
    """
    path: list[tuple[int, int]] = []
    alive = list(range(len(candidates)))
    slot = slots.candidate(0, 0)
    while True:
        token = choose(slot)
        path.append((slot, token))
        depth = len(path)
        if token in stop_ids or depth in (most, slots.shape.ngram):
            return path
        alive = [index for index in alive if candidates[index][depth - 1] == token]
        if not alive:
            return path
        slot = slots.candidate(alive[0], depth)

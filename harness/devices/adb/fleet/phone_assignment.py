"""Which worker gets which phone, the same every night as far as the same phones are there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def phones_of_workers(workers: int, serialnos: Sequence[str]) -> tuple[str, ...]:
    """A phone for each worker, in the order of the workers.

    Every pair of a worker and a phone has a rank that depends on the two alone, and the best pairs
    go first (as in rendezvous hashing): a phone that is missing, or new, moves few others, where
    dealing by serial number would move all that come after it.

    Args:
        workers: How many, at most as many as there are phones.
        serialnos: ``ro.serialno`` of the phones, in any order.

    Raises:
        ValueError: If there are more workers than phones.
    """
    if workers > len(set(serialnos)):
        raise ValueError(f"{workers} workers and {len(set(serialnos))} phones")
    pairs = [(worker, serialno) for worker in range(workers) for serialno in set(serialnos)]
    of_worker: dict[int, str] = {}
    for worker, serialno in sorted(pairs, key=_rank):
        if worker not in of_worker and serialno not in of_worker.values():
            of_worker[worker] = serialno
    return tuple(of_worker[worker] for worker in range(workers))


def _rank(pair: tuple[int, str]) -> bytes:
    worker, serialno = pair
    return hashlib.sha256(f"{worker} {serialno}".encode()).digest()

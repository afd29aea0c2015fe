"""Zeros that take no memory until somebody writes to them."""

from __future__ import annotations

import psutil
import torch

from harness.export.graphs.untouched_zeros import untouched_zeros

SHAPE = (64, 1024, 1024)
BYTES = 4 * 64 * 1024 * 1024


def test_zeros_take_memory_where_they_are_written() -> None:
    this = psutil.Process()
    before = this.memory_info().rss
    zeros = untouched_zeros(*SHAPE)
    assert zeros.shape == SHAPE
    assert zeros.dtype == torch.float32
    assert zeros.is_contiguous()
    assert this.memory_info().rss - before < BYTES / 8
    zeros[:32] = 1
    assert this.memory_info().rss - before > BYTES / 4
    assert not zeros[32:].any()


def test_each_has_memory_of_its_own() -> None:
    one, other = untouched_zeros(2, 3), untouched_zeros(2, 3)
    one += 1
    assert not other.any()

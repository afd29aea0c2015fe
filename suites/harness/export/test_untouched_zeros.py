"""Zeros that take no memory until somebody writes to them."""

from __future__ import annotations

from dataclasses import replace

import psutil
import torch

from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.graphs.untouched_zeros import untouched_zeros
from suites.harness.export.test_short_caches import TEXT

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


def test_examples_of_caches_take_no_memory() -> None:
    context = 2**20
    decoder = StaticDecoder(replace(TEXT, layers=1), context)
    this = psutil.Process()
    before = this.memory_info().rss
    keys, values = decoder.example_inputs(1)[3:]
    assert this.memory_info().rss - before < keys.nbytes / 8 + 4 * 2 * context
    assert keys.nbytes == values.nbytes == 4 * (context - 1) * TEXT.kv_heads * TEXT.head_dim

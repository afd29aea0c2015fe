"""A decoder reads and feeds the cache in whatever dtype the file declares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.runtime.decoder import Decoder
from harness.runtime.geometry import DecoderGeometry
from harness.runtime.kv_cache import KvCache
from harness.runtime.program import Program
from suites.harness.runtime.handmade_program import Interface, save_decoder

DTYPES = {"float32": torch.float32, "uint16": torch.uint16, "uint8": torch.uint8}


@pytest.mark.parametrize("dtype", DTYPES)
def test_new_columns_of_either_method_land_behind_the_old_ones(tmp_path: Path, dtype: str) -> None:
    interfaces = {
        name: Interface(ar=ar, kv_dtype=DTYPES[dtype], mask_dtype=DTYPES[dtype])
        for name, ar in (("kv_forward", 1), ("prefill_forward", 2))
    }
    program = Program(save_decoder(tmp_path / "decoder.pte", interfaces, {"get_n_layers": 1}))
    geometry = DecoderGeometry(1, 1, 2, 6, 6, 8, 1, 2, dtype, dtype, "float32")
    cache = KvCache(layers=1, kv_heads=1, head_dim=2, max_slots=7, dtype=dtype)
    decode, prefill = (
        Decoder(program.method(name), geometry, interface.ar, cache)
        for name, interface in interfaces.items()
    )
    prefill.begin()
    keys, values = cache.views(slots=6)
    keys[0, 0, :, :2], values[0, 0, :2] = [[200, 201], [202, 203]], [[100, 101], [102, 103]]

    # The handmade method returns its oldest slots as new columns and its hidden states as logits.
    hidden = np.arange(12, dtype=np.float32).reshape(2, 6)
    np.testing.assert_array_equal(prefill.run(hidden), hidden)
    prefill.accept(2)
    decode.begin()
    np.testing.assert_array_equal(decode.run(hidden[1:]), hidden[1:])
    decode.accept(1)

    keys, values = cache.views(slots=7)
    assert cache.filled == 3
    assert keys.dtype == values.dtype == dtype
    expected_keys = [[200, 201, 200, 0, 0, 0, 0], [202, 203, 202, 0, 0, 0, 0]]
    np.testing.assert_array_equal(keys[0, 0], expected_keys)
    np.testing.assert_array_equal(values[0, 0, :4], [[100, 101], [102, 103], [100, 101], [0, 0]])
    assert decode.execute_ns > 0

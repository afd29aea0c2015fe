"""Quantized tables give their rows in ExecuTorch, whose kernels decide which ids they take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.backends.xnnpack import lower_to_pte
from harness.export.graphs.token_embedding import Int4TokenEmbedding, Int8TokenEmbedding
from harness.runtime.program import Program

ROWS, COLUMNS, AR = 48, 64, 5


@torch.no_grad()
@pytest.mark.parametrize(
    ("quantize", "steps"),
    [
        pytest.param(Int8TokenEmbedding, 127, id="8w"),
        pytest.param(Int4TokenEmbedding, 7, id="4w"),
    ],
)
def test_a_table_is_looked_up_by_int32_ids(
    quantize: type[Int8TokenEmbedding | Int4TokenEmbedding], steps: int, tmp_path: Path
) -> None:
    table = torch.randn(ROWS, COLUMNS, generator=torch.Generator().manual_seed(5))
    module = quantize(table)
    tokens = torch.arange(AR, dtype=torch.int32)[None]
    path = tmp_path / "table.pte"
    with path.open("wb") as file:
        exported = torch.export.export(module, (tokens,))
        lower_to_pte({"tok_embedding_kv_forward": exported}, {}, False, file)
    method = Program(path).method("tok_embedding_kv_forward")
    assert method.inputs[0].dtype == "int32"
    ids = np.array([[0, 7, ROWS - 1, 7, 31]], np.int32)
    (rows,) = method.bind([ids]).execute()
    wanted = table[ids[0].astype(np.int64)]
    half_a_step = wanted.abs().amax(dim=1, keepdim=True) / steps / 2
    assert (np.abs(rows[0] - wanted.numpy()) <= half_a_step.numpy() * 1.001).all()

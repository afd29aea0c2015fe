"""Token ids to embedding rows (contract §3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.vlm.spec import TextGeometry

GROUP_SIZE = 32
"""Columns of an int4 table that share one scale."""


class TokenEmbedding(nn.Module):
    """Plain table; the argument's name ``tokens`` is part of the contract."""

    def __init__(self, geometry: TextGeometry) -> None:
        super().__init__()
        self.embedding = nn.Embedding(geometry.vocab_size, geometry.hidden_size)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map int32 ``[1, AR]`` to float32 ``[1, AR, hidden]``."""
        rows: Tensor = self.embedding(tokens)
        return rows


class Int4TokenEmbedding(nn.Module):
    """Table of symmetric int4 codes in groups of ``GROUP_SIZE`` columns, two codes per byte.

    Runs as ExecuTorch's CPU operator ``quantized_decomposed::embedding_4bit``, whose packing this
    follows: even columns in the upper half of a byte, codes shifted by 8.
    """

    packed: Tensor
    scales: Tensor

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        # Registers the operator.
        from executorch.exir.passes import _quant_patterns_and_replacements  # noqa: F401

        rows, columns = table.shape
        groups = table.float().view(rows, columns // GROUP_SIZE, GROUP_SIZE)
        scales = groups.abs().amax(dim=2).clamp(min=1e-9) / 7
        codes = (groups / scales[:, :, None]).round().clamp(-8, 7).to(torch.int8) + 8
        codes = codes.view(rows, columns).to(torch.uint8)
        self.register_buffer("packed", codes[:, 0::2] * 16 + codes[:, 1::2])
        self.register_buffer("scales", scales)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map int32 ``[1, AR]`` to float32 ``[1, AR, hidden]``."""
        rows: Tensor = torch.ops.quantized_decomposed.embedding_4bit.dtype(
            self.packed, self.scales, None, -8, 7, tokens, dtype=torch.float32
        )
        return rows


class Int8TokenEmbedding(nn.Module):
    """Table of symmetric int8 codes with one scale per row.

    Runs as ExecuTorch's CPU operator ``quantized_decomposed::embedding_byte``.
    """

    codes: Tensor
    scales: Tensor

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        # Registers the operator.
        from executorch.exir.passes import _quant_patterns_and_replacements  # noqa: F401

        scales = table.float().abs().amax(dim=1).clamp(min=1e-9) / 127
        self.register_buffer("codes", (table / scales[:, None]).round().to(torch.int8))
        self.register_buffer("scales", scales)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map int32 ``[1, AR]`` to float32 ``[1, AR, hidden]``."""
        rows: Tensor = torch.ops.quantized_decomposed.embedding_byte.dtype(
            *(self.codes, self.scales, None, -128, 127),
            # Its kernel takes int64 only, the one of int4 takes both.
            tokens.to(torch.int64),
            dtype=torch.float32,
        )
        return rows

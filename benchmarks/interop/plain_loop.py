"""The simplest way to run three ``.pte`` files: every method fed one token at a time.

Nothing here comes from ``harness.runtime``, whose chunks, masks and cache layouts it is to confirm:
one position, one call, and inputs built anew for every call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from executorch.runtime import Program, Runtime
from torch import Tensor

from harness.backends.qnn.provider import activate

ATTEND, MASKED = 65535, 0
"""Codes of the uint16 mask (contract §2.3)."""

Piece = Sequence[int] | Tensor
"""Token ids of text, or pixel values ``[1, 3, side, side]`` of an image."""


@dataclass(frozen=True)
class PlainAnswer:
    """What the loop generated.

    Attributes:
        token_ids: The first one follows the prompt; a stop token is included.
        gaps: Between the two highest logit codes of every token: how close a call it was.
    """

    token_ids: tuple[int, ...]
    gaps: tuple[int, ...]


class PlainModel:
    """Three files of one export with uint16 cache, mask and logits.

    Args:
        encoder: Vision encoder.
        embedding: Token embedding.
        decoder: Text decoder.
        prefill: Decoder method that prompts go through: ``kv_forward`` or ``prefill_forward``.
    """

    def __init__(self, encoder: Path, embedding: Path, decoder: Path, prefill: str) -> None:
        activate()
        load = Runtime.get().load_program
        self._encoder, self._embedding, self._decoder = map(load, (encoder, embedding, decoder))
        self._prefill = prefill
        mask = self._decoder.metadata("kv_forward").input_tensor_meta(1)
        self._context_length = mask.sizes()[3]
        self._layers = _constant(self._decoder, "get_n_layers")[0]

    def answer(self, prompt: Sequence[Piece], stop_ids: frozenset[int]) -> PlainAnswer:
        """Continue a prompt greedily until a stop token or the end of the context.

        Args:
            prompt: Pieces in order.
            stop_ids: Tokens that end the answer.
        """
        caches = self._empty_caches()
        rows = [row for piece in prompt for row in self._rows(piece)]
        for position, row in enumerate(rows):
            logits = self._step(self._prefill, row, position, caches)
        token_ids, gaps = [_argmax(logits)], [_gap(logits)]
        for position in range(len(rows), self._context_length - 1):
            if token_ids[-1] in stop_ids:
                break
            row = self._embed(token_ids[-1])
            logits = self._step("kv_forward", row, position, caches)
            token_ids.append(_argmax(logits))
            gaps.append(_gap(logits))
        return PlainAnswer(tuple(token_ids), tuple(gaps))

    def _rows(self, piece: Piece) -> list[Tensor]:
        if isinstance(piece, Tensor):
            return list(self._encoder.load_method("forward").execute([piece])[0][0])
        return [self._embed(token_id) for token_id in piece]

    def _embed(self, token_id: int) -> Tensor:
        method = self._embedding.load_method("tok_embedding_kv_forward")
        row: Tensor = method.execute([torch.tensor([[token_id]], dtype=torch.int32)])[0][0, 0]
        return row

    def _empty_caches(self) -> list[Tensor]:
        """All K ``[1, heads, dim, context]``, then all V ``[1, heads, context, dim]``.

        A slot without a position holds zero, which is the cache's zero point as a code. Metadata
        counts in graph order, where V of a layer comes before its K (contract §2.6).
        """
        layers = self._layers
        meta = self._decoder.metadata("kv_forward")
        caches = []
        for index in range(2 * layers):
            shape = list(meta.input_tensor_meta(3 + index).sizes())
            shape[3 if index < layers else 2] = self._context_length
            number = 2 * index + 1 if index < layers else 2 * (index - layers)
            zero_point = _constant(self._decoder, f"get_kv_output_{number}_quant_attr")[1]
            caches.append(torch.full(shape, zero_point, dtype=torch.int32).to(torch.uint16))
        return caches

    def _step(self, name: str, row: Tensor, position: int, caches: list[Tensor]) -> Tensor:
        """Run one token through a method of any AR, as the first of its rows.

        Returns:
            Its logits as int32 codes ``[vocabulary]``.
        """
        method = self._decoder.load_method(name)
        ar = self._decoder.metadata(name).input_tensor_meta(1).sizes()[2]
        slots = self._context_length - ar
        hidden = row.expand(1, ar, -1).contiguous()
        mask = torch.full((1, 1, ar, self._context_length), MASKED, dtype=torch.int32)
        mask[..., :position] = ATTEND
        mask[..., slots:] = torch.tril(torch.full((ar, ar), ATTEND, dtype=torch.int32))
        positions = torch.full((1, ar), position, dtype=torch.int32)
        past = [
            (cache[..., :slots] if index < self._layers else cache[:, :, :slots]).contiguous()
            for index, cache in enumerate(caches)
        ]
        logits, *new = method.execute([hidden, mask.to(torch.uint16), positions, *past])
        for index, (cache, columns) in enumerate(zip(caches, new, strict=True)):
            if index < self._layers:
                cache[..., position] = columns[..., 0]
            else:
                cache[:, :, position] = columns[:, :, 0]
        codes: Tensor = logits[0, 0].to(torch.int32)
        return codes


def _constant(program: Program, name: str) -> list[Any]:
    return list(program.load_method(name).execute([]))


def _argmax(codes: Tensor) -> int:
    """Index of the highest code, the first of several."""
    return int((codes == codes.max()).nonzero()[0])


def _gap(codes: Tensor) -> int:
    highest = codes.topk(2).values
    return int(highest[0] - highest[1])

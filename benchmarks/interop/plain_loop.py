"""The simplest way to run ``.pte`` files: inputs built anew for every call.

Nothing here comes from ``harness.runtime``, whose chunks, masks and cache layouts it is to confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from executorch.runtime import Program, Runtime
from torch import Tensor

from benchmarks.interop.plain_caches import CacheSizes, MovedCaches, PlainCaches, ZeroPointCaches
from harness.backends.qnn.provider import activate

ATTEND, MASKED = 65535, 0
"""Codes of the uint16 mask (contract §2.3)."""

PlainPiece = Sequence[int] | Tensor
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
        chunk: Most prompt tokens in one call, at most the method's AR.
        as_upstream: Hold in the cache what upstream's runner holds there, and let no first token
            end an answer.
    """

    def __init__(
        self,
        encoder: Path,
        embedding: Path,
        decoder: Path,
        prefill: str,
        chunk: int,
        *,
        as_upstream: bool = False,
    ) -> None:
        activate()
        load = Runtime.get().load_program
        self._encoder, self._embedding, self._decoder = map(load, (encoder, embedding, decoder))
        self._prefill = prefill
        self._chunk = chunk
        self._as_upstream = as_upstream
        keys = self._decoder.metadata("kv_forward").output_tensor_meta(1)
        mask = self._decoder.metadata("kv_forward").input_tensor_meta(1)
        _, heads, width, _ = keys.sizes()
        layers = _constant(self._decoder, "get_n_layers")[0]
        self._sizes = CacheSizes(layers, heads, width, mask.sizes()[3])
        self._hidden = {
            name: torch.zeros(self._decoder.metadata(name).input_tensor_meta(0).sizes())
            for name in {"kv_forward", prefill}
        }

    def converse(
        self, turns: Sequence[Sequence[PlainPiece]], stop_ids: frozenset[int]
    ) -> list[PlainAnswer]:
        """Answer turn after turn greedily, each until a stop token or the end of the context.

        Args:
            turns: Pieces of each turn's prompt in order.
            stop_ids: Tokens that end an answer.
        """
        # Rows beyond a chunk's end keep what an earlier call left there (contract §4.5).
        for hidden in self._hidden.values():
            hidden.zero_()
        caches, start, answers = self._caches(), 0, list[PlainAnswer]()
        for prompt in turns:
            answers.append(self._answer(prompt, start, caches, stop_ids))
            # The last token of an answer is never fed back (contract §4.2).
            start += self._length(prompt) + len(answers[-1].token_ids) - 1
        return answers

    def _answer(
        self,
        prompt: Sequence[PlainPiece],
        past: int,
        caches: PlainCaches,
        stop_ids: frozenset[int],
    ) -> PlainAnswer:
        rows = torch.cat([self._rows(piece) for piece in prompt])
        for start in range(0, len(rows), self._chunk):
            chunk = rows[start : start + self._chunk]
            logits = self._step(self._prefill, chunk, past + start, caches)
        token_ids, gaps = [_argmax(logits)], [_gap(logits)]
        if token_ids[0] in stop_ids and not self._as_upstream:
            return PlainAnswer(tuple(token_ids), tuple(gaps))
        for position in range(past + len(rows), self._sizes.context_length - 1):
            row = self._embed(token_ids[-1])
            logits = self._step("kv_forward", row, position, caches)
            token_ids.append(_argmax(logits))
            gaps.append(_gap(logits))
            if token_ids[-1] in stop_ids:
                break
        return PlainAnswer(tuple(token_ids), tuple(gaps))

    def _length(self, prompt: Sequence[PlainPiece]) -> int:
        return sum(
            self._encoder.metadata("forward").output_tensor_meta(0).sizes()[1]
            if isinstance(piece, Tensor)
            else len(piece)
            for piece in prompt
        )

    def _rows(self, piece: PlainPiece) -> Tensor:
        if isinstance(piece, Tensor):
            image: Tensor = self._encoder.load_method("forward").execute([piece])[0][0]
            return image.clone()
        return torch.cat([self._embed(token_id) for token_id in piece])

    def _embed(self, token_id: int) -> Tensor:
        method = self._embedding.load_method("tok_embedding_kv_forward")
        rows: Tensor = method.execute([torch.tensor([[token_id]], dtype=torch.int32)])[0][0]
        return rows.clone()

    def _caches(self) -> PlainCaches:
        if self._as_upstream:
            slots = {name: self._sizes.context_length - self._ar(name) for name in self._hidden}
            return MovedCaches(self._sizes, slots[self._prefill], max(slots.values()))
        return ZeroPointCaches(self._sizes, self._zero_points())

    def _zero_points(self) -> list[int]:
        """Of all K, then of all V.

        Metadata counts in graph order, where V of a layer comes before its K (contract §2.6).
        """
        layers = self._sizes.layers
        numbers = [2 * layer + 1 for layer in range(layers)] + [
            2 * layer for layer in range(layers)
        ]
        return [
            _constant(self._decoder, f"get_kv_output_{number}_quant_attr")[1] for number in numbers
        ]

    def _ar(self, name: str) -> int:
        return self._hidden[name].shape[1]

    def _step(self, name: str, rows: Tensor, start: int, caches: PlainCaches) -> Tensor:
        """Run the tokens of positions from ``start`` on through a method and fill their slots.

        Returns:
            Logits of the last of them as int32 codes ``[vocabulary]``.
        """
        hidden, count, ar = self._hidden[name], len(rows), self._ar(name)
        hidden[0, :count] = rows
        positions = torch.arange(start, start + ar, dtype=torch.int32)[None]
        past = caches.past(self._sizes.context_length - ar)
        method = self._decoder.load_method(name)
        logits, *new = method.execute([hidden, self._mask(start, ar), positions, *past])
        caches.keep(new, start, count)
        codes: Tensor = logits[0, count - 1].to(torch.int32)
        return codes

    def _mask(self, filled: int, ar: int) -> Tensor:
        mask = torch.full((1, 1, ar, self._sizes.context_length), MASKED, dtype=torch.int32)
        mask[..., :filled] = ATTEND
        mask[..., -ar:] = torch.tril(torch.full((ar, ar), ATTEND, dtype=torch.int32))
        return mask.to(torch.uint16)


def _constant(program: Program, name: str) -> list[Any]:
    return list(program.load_method(name).execute([]))


def _argmax(codes: Tensor) -> int:
    """Index of the highest code, the first of several."""
    return int((codes == codes.max()).nonzero()[0])


def _gap(codes: Tensor) -> int:
    highest = codes.topk(2).values
    return int(highest[0] - highest[1])


_SPREAD_CODES = 3000


def leaked_codes(decoder: Path) -> int:
    """Largest change of the first token's logits when only masked inputs change.

    An empty cache and the tokens behind the first one are masked for it. A prefill graph that obeys
    its mask gives 0: fixed-point arithmetic repeats itself. Position ids are those of an empty
    cache.

    Args:
        decoder: File with ``prefill_forward`` and uint16 cache, mask and logits.
    """
    activate()
    program = Runtime.get().load_program(decoder)
    meta, method = program.metadata("prefill_forward"), program.load_method("prefill_forward")
    shapes = [list(meta.input_tensor_meta(index).sizes()) for index in range(meta.num_inputs())]
    ar = shapes[1][2]
    mask = torch.full(shapes[1], MASKED, dtype=torch.int32)
    mask[..., -ar:] = torch.tril(torch.full((ar, ar), ATTEND, dtype=torch.int32))
    positions = torch.arange(ar, dtype=torch.int32)[None]
    random = torch.Generator().manual_seed(0)
    first = torch.randn(shapes[0][2], generator=random) * 0.5

    def logits() -> Tensor:
        hidden = torch.randn(shapes[0], generator=random) * 0.5
        hidden[0, 0] = first
        caches = [
            torch.randint(
                32768 - _SPREAD_CODES,
                32768 + _SPREAD_CODES,
                shape,
                generator=random,
                dtype=torch.int32,
            ).to(torch.uint16)
            for shape in shapes[3:]
        ]
        outputs = method.execute([hidden, mask.to(torch.uint16), positions, *caches])
        codes: Tensor = outputs[0][0, 0].to(torch.int32)
        return codes

    return int((logits() - logits()).abs().max())

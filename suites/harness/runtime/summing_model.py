"""A model whose answers are known: every token is the sum of what all tokens before it stand for.

It has the files of a vision-language model and an honest quantized KV cache: what a token stands
for goes into the cache in the encoding of the graph that saw it and is read in the encoding of the
graph that needs it. One code that is misread changes the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.runtime.encodings import CacheEncodings, Encoding
from harness.runtime.files import RunFiles
from suites.harness.runtime.handmade_program import (
    Interface,
    save_embedding,
    save_encoder,
    save_programs,
)

WORTH = 8
"""A token stands for its id modulo this, which every encoding of the tests holds exactly."""

VOCABULARY = 512
BEST_LOGIT = 200
"""Code of the logit that wins; its neighbours have one less."""

CONTEXT = 96
IMAGE_SIZE_PX, TOKENS_PER_IMAGE = 8, 4
_HIDDEN_SIZE = 2


def one_layer(scale: float, zero_point: int) -> CacheEncodings:
    """Encodings of a cache with one layer; V has a zero point of its own."""
    return CacheEncodings((Encoding(scale, zero_point),), (Encoding(scale, zero_point + 1),))


@dataclass(frozen=True)
class Graph:
    """One decoder method: tokens per call and the encodings of its cache."""

    ar: int
    encodings: CacheEncodings

    def interface(self, mask_rank: int) -> Interface:
        """Its tensors: an uint8 cache with one head, of which K and V hold the same."""
        return Interface(
            ar=self.ar,
            context_length=CONTEXT,
            hidden_size=_HIDDEN_SIZE,
            vocab_size=VOCABULARY,
            mask_rank=mask_rank,
            mask_dtype=torch.uint8,
            kv_dtype=torch.uint8,
            logits_dtype=torch.uint8,
        )


class _SummingDecoder(nn.Module):
    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._key, self._value = graph.encodings.in_input_order
        self._ar = graph.ar

    def forward(
        self, hidden: Tensor, mask: Tensor, positions: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        worth = torch.remainder(hidden[0], WORTH)  # [AR, 2]
        past_keys = (keys[0, 0].to(torch.float32) - self._key.zero_point) * self._key.scale
        past_values = (values[0, 0].to(torch.float32) - self._value.zero_point) * self._value.scale
        seen = torch.cat([(past_keys.T + past_values) / 2, worth])[:, 0]  # [CL]
        attend = (mask.reshape(self._ar, CONTEXT) == 255).to(torch.float32)
        total = torch.remainder((attend * seen).sum(dim=1, keepdim=True), VOCABULARY)
        distance = torch.abs(torch.arange(VOCABULARY, dtype=torch.float32) - total)
        logits = (BEST_LOGIT - distance).clamp(0, BEST_LOGIT).to(torch.uint8)
        new_keys = _quantize(worth.T, self._key)[None, None]
        return logits[None], new_keys, _quantize(worth, self._value)[None, None]


def _quantize(real: Tensor, encoding: Encoding) -> Tensor:
    codes = torch.round(real / encoding.scale) + encoding.zero_point
    return codes.clamp(0, 255).to(torch.uint8)


def save_summing_model(
    folder: Path,
    graphs: Mapping[str, Graph],
    constants: Mapping[str, object],
    tokenizer: Path,
    mask_rank: int = 4,
) -> RunFiles:
    """Write the three files of a model.

    Args:
        folder: Gets them.
        graphs: Decoder methods by name.
        constants: Metadata of the decoder beside ``get_n_layers``.
        tokenizer: Of a vocabulary of at most ``VOCABULARY`` tokens.
        mask_rank: 3 for the layout before July 2026.
    """
    interfaces = {name: graph.interface(mask_rank) for name, graph in graphs.items()}
    programs = {
        name: torch.export.export(_SummingDecoder(graph), interfaces[name].inputs())
        for name, graph in graphs.items()
    }
    embeddings = {
        f"tok_embedding_{name if name != 'forward' else 'kv_forward'}": interface
        for name, interface in interfaces.items()
    }
    return RunFiles(
        save_encoder(folder / "encoder.pte", IMAGE_SIZE_PX, TOKENS_PER_IMAGE, _HIDDEN_SIZE),
        save_embedding(folder / "embedding.pte", embeddings),
        save_programs(folder / "decoder.pte", programs, {"get_n_layers": 1, **constants}),
        tokenizer,
    )

"""Small ``.pte`` files with any decoder interface, right or wrong. Their numbers mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from executorch.exir import ExecutorchBackendConfig, to_edge
from executorch.exir.passes import MemoryPlanningPass
from torch import Tensor, nn

from harness.runtime.encodings import CacheEncodings


@dataclass(frozen=True)
class Interface:
    """Sizes of one decoder method; ``mask_rank`` 3 is the layout before July 2026."""

    ar: int = 1
    context_length: int = 8
    layers: int = 1
    kv_heads: int = 1
    head_dim: int = 2
    hidden_size: int = 6
    vocab_size: int = 6
    mask_rank: int = 4
    mask_dtype: torch.dtype = torch.float32
    kv_dtype: torch.dtype = torch.float32
    logits_dtype: torch.dtype = torch.float32

    def inputs(self) -> tuple[Tensor, ...]:
        """Example inputs in the order of contract §2.2."""
        slots = self.context_length - self.ar
        heads, dim = self.kv_heads, self.head_dim
        mask = torch.zeros(1, 1, self.ar, self.context_length, dtype=self.mask_dtype)
        return (
            torch.zeros(1, self.ar, self.hidden_size),
            mask if self.mask_rank == 4 else mask[0],
            torch.zeros(1, self.ar, dtype=torch.int32),
            *(torch.zeros(1, heads, dim, slots, dtype=self.kv_dtype) for _ in range(self.layers)),
            *(torch.zeros(1, heads, slots, dim, dtype=self.kv_dtype) for _ in range(self.layers)),
        )


class Decoder(nn.Module):
    """Has the tensors of a decoder and no attention."""

    def __init__(self, interface: Interface) -> None:
        super().__init__()
        self._vocab_size = interface.vocab_size
        self._repeats = -(-interface.vocab_size // interface.hidden_size)
        self._logits_dtype = interface.logits_dtype

    def forward(self, hidden: Tensor, mask: Tensor, positions: Tensor, *caches: Tensor) -> object:
        """Logits repeat the hidden states; the new columns repeat the oldest slots."""
        ar, layers = hidden.shape[1], len(caches) // 2
        keys = [cache[..., :ar].clone() for cache in caches[:layers]]
        values = [cache[:, :, :ar].clone() for cache in caches[layers:]]
        logits = hidden.repeat(1, 1, self._repeats)[..., : self._vocab_size]
        logits = logits.to(self._logits_dtype, copy=True)
        return (logits, *keys, *values)


class TokenIdDecoder(nn.Module):
    """The decoder of a model without images: its first input is token ids."""

    def forward(self, tokens: Tensor, mask: Tensor, positions: Tensor, *caches: Tensor) -> object:
        """As many outputs as a decoder has."""
        return (tokens.clone(), *(cache.clone() for cache in caches))


def save_decoder(
    path: Path, methods: Mapping[str, Interface], constants: Mapping[str, object]
) -> Path:
    """Write a decoder file with these methods and constant methods."""
    programs = {
        name: torch.export.export(Decoder(interface), interface.inputs())
        for name, interface in methods.items()
    }
    return save_programs(path, programs, constants)


def save_token_id_decoder(path: Path, constants: Mapping[str, object]) -> Path:
    """Write the decoder file of a model without images."""
    _, *rest = Interface().inputs()
    tokens = torch.zeros(1, 1, dtype=torch.int32)
    program = torch.export.export(TokenIdDecoder(), (tokens, *rest))
    return save_programs(path, {"kv_forward": program}, constants)


def save_embedding(path: Path, interfaces: Mapping[str, Interface]) -> Path:
    """Write a token embedding with one method for each decoder interface."""
    programs = {
        name: torch.export.export(
            _Embedding(interface), (torch.zeros(1, interface.ar, dtype=torch.int32),)
        )
        for name, interface in interfaces.items()
    }
    return save_programs(path, programs, {})


class _Embedding(nn.Module):
    """Every element of a row is the token's id."""

    def __init__(self, interface: Interface) -> None:
        super().__init__()
        self._hidden_size = interface.hidden_size

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.to(torch.float32)[..., None].repeat(1, 1, self._hidden_size)


class _Encoder(nn.Module):
    def __init__(self, tokens_per_image: int, hidden_size: int) -> None:
        super().__init__()
        self._shape = (1, tokens_per_image, hidden_size)

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.mean().expand(self._shape).clone()


def save_encoder(path: Path, image_size_px: int, tokens_per_image: int, hidden_size: int) -> Path:
    """Write a vision encoder: every element of every row is the mean of the pixels."""
    pixels = torch.zeros(1, 3, image_size_px, image_size_px)
    program = torch.export.export(_Encoder(tokens_per_image, hidden_size), (pixels,))
    return save_programs(path, {"forward": program}, {})


def requantized_metadata(
    prefill: CacheEncodings | None, decode: CacheEncodings
) -> dict[str, object]:
    """Constant methods of the scheme ``requantized``; upstream's kv-mode files lack ``prefill``."""
    constants: dict[str, object] = {}
    for side, encodings in (("output", prefill), ("input", decode)):
        if encodings is None:
            continue
        for kind, each in (("k", encodings.keys), ("v", encodings.values)):
            for layer, encoding in enumerate(each):
                constants[f"get_{kind}_scale_{side}_{layer}"] = encoding.scale
                constants[f"get_{kind}_zero_point_{side}_{layer}"] = encoding.zero_point
    return constants


def shared_metadata(encodings: CacheEncodings) -> dict[str, object]:
    """Constant methods of the scheme ``shared``, in upstream's order: V of a layer before its K."""
    pairs = zip(encodings.values, encodings.keys, strict=True)
    return {
        f"get_kv_output_{index}_quant_attr": [
            encoding.scale,
            encoding.zero_point,
            0,
            65535,
            "torch.int32",
        ]
        for index, encoding in enumerate(encoding for pair in pairs for encoding in pair)
    }


def save_programs(
    path: Path, programs: Mapping[str, object], constants: Mapping[str, object]
) -> Path:
    config = ExecutorchBackendConfig(
        memory_planning_pass=MemoryPlanningPass(alloc_graph_input=False, alloc_graph_output=False)
    )
    edge = to_edge(dict(programs), constant_methods=dict(constants))
    path.write_bytes(edge.to_executorch(config).buffer)
    return path

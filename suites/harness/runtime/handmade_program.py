"""Small ``.pte`` files with any decoder interface, right or wrong. Their numbers mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from executorch.exir import ExecutorchBackendConfig, to_edge
from executorch.exir.passes import MemoryPlanningPass
from torch import Tensor, nn


@dataclass(frozen=True)
class Interface:
    """Sizes of one decoder method; ``mask_rank`` 3 is the layout before July 2026."""

    ar: int = 1
    context_length: int = 8
    layers: int = 1
    hidden_size: int = 6
    mask_rank: int = 4
    mask_dtype: torch.dtype = torch.float32
    kv_dtype: torch.dtype = torch.float32

    def inputs(self) -> tuple[Tensor, ...]:
        """Example inputs in the order of contract §2.2: one KV head of dimension 2."""
        slots = self.context_length - self.ar
        mask = torch.zeros(1, 1, self.ar, self.context_length, dtype=self.mask_dtype)
        return (
            torch.zeros(1, self.ar, self.hidden_size),
            mask if self.mask_rank == 4 else mask[0],
            torch.zeros(1, self.ar, dtype=torch.int32),
            *(torch.zeros(1, 1, 2, slots, dtype=self.kv_dtype) for _ in range(self.layers)),
            *(torch.zeros(1, 1, slots, 2, dtype=self.kv_dtype) for _ in range(self.layers)),
        )


class Decoder(nn.Module):
    """Has the tensors of a decoder and no attention."""

    def forward(self, hidden: Tensor, mask: Tensor, positions: Tensor, *caches: Tensor) -> object:
        """Logits are the hidden states; the new columns repeat the oldest slots."""
        ar, layers = hidden.shape[1], len(caches) // 2
        keys = [cache[..., :ar].clone() for cache in caches[:layers]]
        values = [cache[:, :, :ar].clone() for cache in caches[layers:]]
        return (hidden.clone(), *keys, *values)


def save_decoder(
    path: Path, methods: Mapping[str, Interface], constants: Mapping[str, object]
) -> Path:
    """Write a decoder file with these methods and constant methods."""
    programs = {
        name: torch.export.export(Decoder(), interface.inputs())
        for name, interface in methods.items()
    }
    config = ExecutorchBackendConfig(
        memory_planning_pass=MemoryPlanningPass(alloc_graph_input=False, alloc_graph_output=False)
    )
    edge = to_edge(programs, constant_methods=dict(constants))
    path.write_bytes(edge.to_executorch(config).buffer)
    return path

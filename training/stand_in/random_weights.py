"""Checkpoints of a published model's geometry with random weights.

Sizes, memory, compile times and speeds are those of the published model; what it says is noise.
"""

from __future__ import annotations

from pathlib import Path

import torch

from harness.vlm.spec import VlmSpec
from training.saving import build_model, save_model
from training.stand_in.vocabulary import whole_vocabulary

SHARD_BYTES = 400_000_000
"""Small enough that even the smallest published model has several files and an index."""


def write_random_checkpoint(spec: VlmSpec, folder: Path, seed: int) -> None:
    """Write a bfloat16 checkpoint as the hub lays it out.

    Args:
        spec: The model.
        folder: Created if missing.
        seed: The same one gives the same weights.
    """
    tokenizer = whole_vocabulary(spec)
    torch.manual_seed(seed)
    model = build_model(spec, tokenizer).bfloat16()
    save_model(model, spec, tokenizer, folder, SHARD_BYTES)

"""The loaded methods of one vision-language model."""

from __future__ import annotations

from dataclasses import dataclass

from harness.runtime.model_description import (
    EMBED_DECODE,
    EMBED_PREFILL,
    PREFILL,
    ModelDescription,
    Programs,
)
from harness.runtime.program import Method, Program
from harness.vlm.mode import LookaheadShape
from harness.vocabulary import Mode


@dataclass(frozen=True)
class Components:
    """Loaded methods of one run; in kv mode the prefill methods are the decode methods."""

    description: ModelDescription
    encoder: Method
    embed_prefill: Method
    embed_decode: Method
    prefill: Method
    decode: Method


def load_components(
    programs: Programs, mode: Mode, lookahead: LookaheadShape | None = None
) -> Components:
    """Load what a mode needs, once it is known to fit together.

    Raises:
        UserError: If the files do not fit, or ExecuTorch or a backend refuses one.
    """
    found = programs.describe(mode, lookahead)
    embedding, decoder = Program(programs.embedding.path), Program(programs.decoder.path)
    # First of all, for while XNNPACK packs its weights they are in memory twice.
    decode = decoder.method(programs.decode_name)
    encoder = Program(programs.encoder.path).method("forward")
    embed_decode = embedding.method(EMBED_DECODE)
    embed_prefill, prefill = embed_decode, decode
    if mode != "kv":
        embed_prefill = embedding.method(EMBED_PREFILL)
        prefill = decoder.method(PREFILL)
    return Components(found, encoder, embed_prefill, embed_decode, prefill, decode)

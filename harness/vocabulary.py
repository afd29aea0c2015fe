"""One vocabulary: the words that every room, option, column and file uses (design §1)."""

from __future__ import annotations

from typing import Literal, get_args

Target = str
"""Where an artifact runs, by its name: this CPU (``host``), Qualcomm's HTP emulator on it, a
phone's HTP, or what another package adds; :mod:`harness.targets.registry` knows them all."""

Mode = Literal["kv", "hybrid", "lookahead"]
"""How a text decoder works: a token a pass; a prompt in chunks, then a token a pass; or several
guessed tokens a pass."""
MODES: tuple[Mode, ...] = get_args(Mode)

Component = Literal["vision_encoder", "token_embedding", "text_decoder"]
COMPONENTS: tuple[Component, ...] = get_args(Component)

Precision = Literal[
    "fp32", "fp16", "8da8w", "8da4w", "16a8w", "16a4w", "16a4w_block", "16w", "8w", "4w"
]
"""``16w``, ``8w`` and ``4w`` are tables of a token embedding; the others are of any component."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

FLOATS: frozenset[Precision] = frozenset({"fp32", "fp16"})
"""Precisions without codes: weights and activations are floats."""

CALIBRATED: frozenset[Precision] = frozenset({"16a8w", "16a4w", "16a4w_block"})
"""Precisions whose activation ranges are fixed at export, on samples; the others need none."""

FOUR_BIT_WEIGHTS: frozenset[Precision] = frozenset({"8da4w", "16a4w", "16a4w_block"})
"""Precisions whose layers have weights of 4 bits, which more than one way leads to."""

CPU_TABLES: frozenset[Precision] = frozenset({"8w", "4w"})
"""Precisions of tables that ExecuTorch looks up on the CPU, wherever the other components run."""

Backend = Literal["xnnpack", "qnn"]
"""What a graph is lowered to."""

KvEncodings = Literal["shared", "requantized"]
"""Whether prefill and decode read the KV cache's codes alike, or it is converted in between."""
KV_ENCODINGS: tuple[KvEncodings, ...] = get_args(KvEncodings)

Protocol = Literal["snapgate", "upstream"]
"""How speed is measured: as statistics §2.1 says, or as upstream's own test does."""
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

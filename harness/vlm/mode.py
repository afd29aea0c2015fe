"""Modes that a text decoder is exported and run in (contract §1.2)."""

from __future__ import annotations

from typing import Literal

Mode = Literal["kv", "hybrid", "lookahead"]

EVAL_MODES: dict[Mode, int] = {"kv": 0, "hybrid": 1, "lookahead": 2}
"""``--eval_mode`` of each mode."""

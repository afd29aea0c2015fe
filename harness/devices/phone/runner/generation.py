"""Which of upstream's runners a phone has, read from its ``--help`` (contract §1.5)."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

from harness.backends.qnn.errors import explain
from harness.errors import UserError

_FLAG = re.compile(r"^\s+--?(?:\[no\])?([a-z][a-z0-9_]*)\b", re.MULTILINE)
_SCALE_METADATA = b"scale_input"
"""Part of the constant methods that a converting runner asks a decoder for (contract §4.9); no
flag tells the few days of March 2026 in which it no longer did."""


@dataclass(frozen=True)
class RunnerGeneration:
    """What a runner can be asked.

    Attributes:
        flags: Names of all its flags.
        requantizes: Whether it converts the KV cache between prefill and decode where a file's two
            graphs have encodings of their own.
    """

    flags: frozenset[str]
    requantizes: bool

    @property
    def is_ours(self) -> bool:
        """Whether it is ``python -m harness.runtime``, as on a virtual phone."""
        return "generations_path" in self.flags

    @property
    def is_single_turn(self) -> bool:
        """Whether it is of PR #16536: one image, given as a raw file, and one prompt."""
        return "tok_embedding_path" not in self.flags

    @property
    def embedding_flag(self) -> str:
        """What it calls the token embedding's path."""
        return "embedding_path" if self.is_single_turn else "tok_embedding_path"

    @property
    def times_lack(self) -> str:
        """What its load and inference times leave out; empty for nothing (contract §5.5)."""
        return "the vision encoder" if self.is_single_turn else ""

    @property
    def lacks(self) -> frozenset[str]:
        """Names of ``RunOptions`` that it has no switch for."""
        own = frozenset({"ignore_eos", "record_margins", "requantization", "seed"})
        return frozenset() if self.is_ours else own

    def describe(self) -> str:
        """For a sentence: ``of January to March 2026``."""
        if self.is_ours:
            return "of this project"
        return "of January to March 2026" if self.is_single_turn else "of March 2026 or later"


def read_generation(help_text: str, runner: Path | None = None) -> RunnerGeneration:
    """Tell a runner's generation.

    Args:
        help_text: What ``--help`` printed: gflags' list of flags, or ours. How the program ended
            may stand before it.
        runner: The program on this machine, None where there is none to look into.

    Raises:
        UserError: If it does not start, or is no multimodal runner.
    """
    flags = frozenset(_FLAG.findall(help_text))
    if not flags & {"tok_embedding_path", "embedding_path"}:
        if known := explain(help_text.splitlines()):
            raise UserError(f"The runner does not start on the phone: {known}.")
        told = (help_text.strip().splitlines() or [""])[-1]
        raise UserError(
            "The program on the phone is no multimodal runner: its --help names neither "
            f"tok_embedding_path nor embedding_path, and ends in {told!r}; give the folder of a "
            "build that has qnn_multimodal_runner with --build-dir."
        )
    if "requantization" in flags:
        return RunnerGeneration(flags, requantizes=True)
    is_old = "tok_embedding_path" not in flags
    return RunnerGeneration(flags, is_old and runner is not None and _asks_for_scales(runner))


def _asks_for_scales(runner: Path) -> bool:
    with runner.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(_SCALE_METADATA) >= 0

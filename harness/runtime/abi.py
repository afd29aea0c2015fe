"""Which of upstream's decoder layouts a file has (contract §1.5). Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass

from harness.runtime.encodings import kv_scheme

OLD_DECODE_METHOD = "forward"
"""Name of the decode method in kv-mode files before PR #16506."""


@dataclass(frozen=True)
class Abi:
    """The change in upstream's exporter that a file is the first to show.

    Attributes:
        pull_request: In pytorch/executorch.
        month: When it was merged.
    """

    pull_request: int
    month: str

    def __str__(self) -> str:
        return f"#{self.pull_request}, {self.month}"


FIRST_EXPORTER = Abi(16292, "December 2025")
REQUANTIZING_RUNNER = Abi(16536, "January 2026")
KV_FORWARD = Abi(16506, "January 2026")
SHARED_ENCODINGS = Abi(17805, "March 2026")
TOK_EMBEDDING = Abi(17308, "March 2026")
MASK_OF_RANK_4 = Abi(20488, "July 2026")


def recognize_abi(method_names: frozenset[str], mask_rank: int) -> Abi:
    """Name the generation of a text decoder.

    Files that two generations write alike count as of the older one: a hybrid file is the same
    before and after #16506, and a float file of #17805 looks like one of #16506. Files of ours have
    the layout of the newest, whichever scheme their KV encodings follow.

    Args:
        method_names: All methods of the decoder file, constant ones included.
        mask_rank: Dimensions of the attention mask, 3 or 4.
    """
    if mask_rank == 4:
        return MASK_OF_RANK_4
    if "image_token_id" in method_names:
        return TOK_EMBEDDING
    is_requantized = kv_scheme(method_names) == "requantized"
    if not is_requantized and "modality_placeholder_token_id" not in method_names:
        return FIRST_EXPORTER
    if "kv_forward" not in method_names:
        return REQUANTIZING_RUNNER
    if is_requantized:
        return REQUANTIZING_RUNNER if "prefill_forward" in method_names else KV_FORWARD
    return SHARED_ENCODINGS

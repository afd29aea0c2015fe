"""What a run is asked to do. Imports without torch: device rooms send these to the runner."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UserError
from harness.vlm.mode import Mode


class Request(BaseModel):
    """One conversation on an empty cache.

    Attributes:
        id: Names the answer in the output; unique within a run.
        prompts: User prompts, one per turn.
        images: Paths of pictures or of raw tensors (``.raw``, contract §5.2), dealt to turns
            from left to right.
        system_prompt: Repeated in every turn (contract §4.1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    prompts: tuple[str, ...] = Field(min_length=1)
    images: tuple[str, ...] = ()
    system_prompt: str = ""


class RunOptions(BaseModel):
    """How a run generates.

    Attributes:
        seq_len: Cap on the position counter over all turns (contract §4.6); 0 means the context.
        max_new_tokens: Cap on decode steps of each turn, None for no cap but ``seq_len``.
        ignore_eos: Keep decoding after a stop token, so that the token count is fixed.
        warmup: Whole conversations run and discarded before the first request.
        upstream_compat: Reproduce upstream's deviations where they change tokens (design.md §4).
        record_margins: Keep how far the second choice of every token was behind the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "hybrid"
    temperature: float = Field(default=0.0, ge=0.0)
    top_p: float = Field(default=0.9, gt=0.0, le=1.0)
    seed: int = 0
    seq_len: int = 0
    max_new_tokens: int | None = Field(default=None, ge=0)
    ignore_eos: bool = False
    warmup: int = Field(default=0, ge=0)
    upstream_compat: bool = False
    record_margins: bool = False


def check_built(mode: Mode) -> None:
    """Refuse a mode that no runner of ours serves.

    Raises:
        UserError: For lookahead.
    """
    if mode == "lookahead":
        raise UserError("Mode lookahead (--eval_mode 2) is not built; use --eval_mode 0 or 1.")

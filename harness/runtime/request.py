"""What a run is asked to do, and the file of ``--requests`` that says it.

Imports without torch: device rooms send these to the runner.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from harness.errors import UserError
from harness.strict_json import MOST_BYTES, parse_json, read_bounded
from harness.vlm.mode import LookaheadShape
from harness.vocabulary import Mode


class Request(BaseModel, frozen=True, extra="forbid"):
    """One conversation on an empty cache.

    Attributes:
        id: Names the answer in the output; unique within a run.
        prompts: User prompts, one per turn.
        images: Paths of pictures or of raw tensors (``.raw``, contract §5.2), dealt to turns
            from left to right.
        system_prompt: Repeated in every turn (contract §4.1).
    """

    id: str
    prompts: tuple[str, ...] = Field(min_length=1)
    images: tuple[str, ...] = ()
    system_prompt: str = ""


class RunOptions(BaseModel, frozen=True, extra="forbid"):
    """How a run generates.

    Attributes:
        lookahead: Branch of lookahead mode, which ``kv_forward`` must have room for; None in the
            other modes.
        temperature: 0 for greedy; below it the least likely tokens lead, as upstream's runner
            takes it.
        seed: Of sampling, and of lookahead's first guesses.
        seq_len: Cap on the position counter over all turns (contract §4.6); 0 means the context.
        max_new_tokens: Cap on the tokens of each turn behind its first one, None for no cap but
            ``seq_len``.
        ignore_eos: Keep decoding after a stop token, so that the token count is fixed.
        warmup: Whole conversations run and discarded before the first request.
        upstream_compat: Reproduce upstream's deviations where they change tokens (design §4).
        requantization: Convert the KV cache between prefill and decode where the file asks for it.
            Without it such a file answers wrongly, which measures what the conversion is worth.
        record_margins: Keep the second choice for every token and how far it was behind the first.
    """

    mode: Mode = "hybrid"
    lookahead: LookaheadShape | None = None
    temperature: float = 0.0
    top_p: float = Field(default=0.9, gt=0.0, le=1.0)
    seed: int = 0
    seq_len: int = 0
    max_new_tokens: int | None = Field(default=None, ge=0)
    ignore_eos: bool = False
    warmup: int = Field(default=0, ge=0)
    upstream_compat: bool = False
    requantization: bool = True
    record_margins: bool = False


def check_lookahead(options: RunOptions) -> None:
    """Refuse options that lookahead decoding cannot follow, or that it alone could.

    Raises:
        UserError: If the mode is lookahead without a branch or at a temperature, or if it is
            another mode with a branch.
    """
    if options.mode != "lookahead":
        if options.lookahead is not None:
            raise UserError(
                f"--window, --ngram and --gcap belong to lookahead (--eval_mode 2), not to mode "
                f"{options.mode}; leave them out."
            )
        return
    if options.lookahead is None:
        raise UserError(
            "Lookahead (--eval_mode 2) needs to know the branch that the file was exported with; "
            "give e.g. --window 8 --ngram 5 --gcap 8."
        )
    if options.temperature > 0:
        raise UserError(
            f"Lookahead (--eval_mode 2) decodes greedily and --temperature {options.temperature:g} "
            "asks for sampling; use --temperature 0, or --eval_mode 0 or 1."
        )


def write_requests(path: Path, requests: Sequence[Request]) -> None:
    """Write what :func:`read_requests` reads."""
    lines = "".join(f"{request.model_dump_json()}\n" for request in requests)
    path.write_text(lines, encoding="utf-8", newline="\n")


def read_requests(path: Path) -> tuple[Request, ...]:
    """Read a file of one JSON request per line; empty lines are skipped.

    Raises:
        UserError: If the file is missing or too large, a line is no request, or an id comes twice.
    """
    try:
        # str.splitlines would also cut at U+0085 and U+2028, which JSON strings hold unescaped.
        lines = read_bounded(path, MOST_BYTES).decode("utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); give JSON lines as --requests."
        ) from error
    requests: dict[str, Request] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            parse_json(line)
            request = Request.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise UserError(
                f"Line {number} of {path} is no request: {where}: {first['msg']}; it takes id, "
                f"prompts, images and system_prompt."
            ) from error
        except ValueError as error:
            raise UserError(
                f"Line {number} of {path} is no request: {error}; write one JSON object per line."
            ) from error
        if request.id in requests:
            raise UserError(
                f"Line {number} of {path} repeats the id {request.id!r}; give each request its own."
            )
        requests[request.id] = request
    if not requests:
        raise UserError(f"{path} holds no request; write one JSON object per line.")
    return tuple(requests.values())

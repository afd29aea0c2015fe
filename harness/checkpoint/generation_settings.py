"""What a checkpoint's generation settings ask for that no runner does, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import read_json_object
from harness.measure.wording import plural

GENERATION_FILE = "generation_config.json"

_OFF_AT_ONE = frozenset(
    {
        "repetition_penalty",
        "encoder_repetition_penalty",
        "guidance_scale",
        "num_beams",
        "num_beam_groups",
    }
)
_OFF_WHERE_FALSE = (
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "suppress_tokens",
    "begin_suppress_tokens",
    "bad_words_ids",
    "force_words_ids",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "forced_decoder_ids",
    "sequence_bias",
    "exponential_decay_length_penalty",
    "min_length",
    "min_new_tokens",
    "penalty_alpha",
    "dola_layers",
    "watermarking_config",
)
SETTINGS = (*sorted(_OFF_AT_ONE), *_OFF_WHERE_FALSE)
"""Those that change what ``transformers`` answers greedily; what only samples is none of them."""


def generation_notice(directory: Path) -> str | None:
    """What answers go without, runners' and the float model's; None where nothing is asked for.

    Args:
        directory: A checkpoint, or an artifact, which carries the file.

    Raises:
        UserError: If a file is unreadable.
    """
    name = GENERATION_FILE
    stated = read_json_object(directory / name)
    if stated is None:
        # Where ``transformers`` took them from before there was such a file.
        name = "config.json"
        stated = read_json_object(directory / name) or {}
    asked = list(_asked(stated))
    if not asked:
        return None
    return (
        f"the checkpoint's {name} asks for {', '.join(asked)}, which no runner does: answers here "
        "and on phones go without, and so do those of the float model that they are compared with"
    )


def _asked(stated: Mapping[str, Any]) -> Iterator[str]:
    for name in SETTINGS:
        value = stated.get(name)
        is_token = name.endswith("_token_id") and value is not None
        if not (value or is_token) or (name in _OFF_AT_ONE and value == 1):
            continue
        if isinstance(value, (list, dict)):
            yield f"{name} ({plural(len(value), 'item')})"
        else:
            yield f"{name} {value}"

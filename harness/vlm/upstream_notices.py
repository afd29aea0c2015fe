"""What upstream's runner does otherwise with a model's tokenizer, in a sentence for a person.

Imports without torch.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import UserError
from harness.vlm.prompt import TextPiece, format_turn, split_pieces
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_stops import word_that_stops
from harness.vlm.upstream_tokenizer import upstream_tokenizer

_SHOWN_CHARACTERS = 60


def stop_notice(tokenizer: Tokenizer, family: VlmFamily) -> str | None:
    """Where upstream's runner will cut answers; None where it cuts none (contract §4.3).

    Args:
        tokenizer: The model's.
        family: Whose stop tokens end an answer.
    """
    try:
        upstreams = upstream_tokenizer(tokenizer.path)
    except UserError as error:
        return _not_loaded(error)
    word = word_that_stops(upstreams, family)
    if word is None:
        return None
    return (
        f"upstream's runner cuts answers behind {word!r} (id {upstreams.vocabulary[word]}), which "
        "it takes for the end of a text"
    )


def reading_notice(
    tokenizer: Tokenizer, family: VlmFamily, prompts: Iterable[str], system_prompt: str = ""
) -> str | None:
    """Which prompts upstream's runner will read as other tokens; None if none (contract §4.4).

    Args:
        tokenizer: The model's.
        family: Prompt strings.
        prompts: As users ask them, a placeholder where an image goes.
        system_prompt: Of all of them.
    """
    try:
        upstreams = upstream_tokenizer(tokenizer.path)
    except UserError as error:
        return _not_loaded(error)
    turns = {prompt: format_turn(prompt, system_prompt, family.prompt) for prompt in prompts}
    read = {
        prompt: (_ids(tokenizer, turn), _ids(upstreams, turn)) for prompt, turn in turns.items()
    }
    differing = [prompt for prompt, (own, theirs) in read.items() if own != theirs]
    if not differing:
        return None
    first, *others = differing
    own, theirs = read[first]
    among = f" and {len(others)} more" if others else ""
    is_as_long = len(theirs) == len(own)
    count = "other tokens" if is_as_long else f"{len(theirs):,} tokens instead of {len(own):,}"
    return (
        f"upstream's runner reads {_shown(first)}{among} as {count}, since its tokenizer "
        f"{_why(tokenizer, upstreams)}: answers on phones differ"
    )


def _why(tokenizer: Tokenizer, upstreams: Tokenizer) -> str:
    counted = tokenizer.added_tokens
    for token, number in upstreams.added_tokens.items():
        if counted.get(token) != number:
            return (
                f"takes {token!r} by the id that the file gives it, {number}, where transformers "
                f"counts {counted.get(token)}"
            )
    return "loses accents and breaks Hangul"


def _not_loaded(error: UserError) -> str:
    return f"upstream's runner does not load its tokenizer: {error}"


def _ids(tokenizer: Tokenizer, turn: str) -> list[int]:
    pieces = [piece for piece in split_pieces(turn) if isinstance(piece, TextPiece)]
    return [
        number for piece in pieces for number in tokenizer.encode(piece.text, as_word=piece.is_word)
    ]


def _shown(prompt: str) -> str:
    is_long = len(prompt) > _SHOWN_CHARACTERS
    return repr(prompt[:_SHOWN_CHARACTERS] + "…" if is_long else prompt)

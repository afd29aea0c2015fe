"""Where upstream's runner ends an answer, told from a tokenizer alone. Imports without torch.

Upstream gives its C++ tokenizer a ``tokenizer.json`` and no configuration, so that it guesses the
end of a text from the names of added tokens (meta-pytorch/tokenizers, ``src/hf_tokenizer.cpp``, as
the binary 1.5.0 behaves; contract §4.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer

UNGUESSED_ID = 0
"""What the C++ tokenizer takes for the end of a text where no name tells it."""


def guessed_eos_id(added_tokens: Mapping[str, int]) -> int:
    """The id that upstream's C++ tokenizer takes for the end of a text.

    That of the only added token with "eos" or "end" in its name; where there are none or several,
    that of the only one with "bos" or "begin"; else 0, whatever token that is. Upper case counts as
    another name, and a token need not be special.

    Args:
        added_tokens: ``added_tokens`` of a ``tokenizer.json``, ids by content.
    """
    for names in (("eos", "end"), ("bos", "begin")):
        found = [number for token, number in added_tokens.items() if _has_any(token, names)]
        if len(found) == 1:
            return found[0]
    return UNGUESSED_ID


def upstream_stop_ids(tokenizer: Tokenizer, family: VlmFamily) -> frozenset[int]:
    """Ids at which upstream's runner ends an answer: the guess and the end of the family's turn.

    ``Tokenizer.stop_ids`` has those of ours.
    """
    turn_end = tokenizer.encode(family.stop_tokens[0])[0]
    return frozenset((guessed_eos_id(tokenizer.added_tokens), turn_end))


def stop_texts(tokenizer: Tokenizer, family: VlmFamily) -> tuple[str, ...]:
    """What an answer may end with that is no part of it, whichever runner gave it.

    A word at which upstream's runner cuts an answer is a part of it.
    """
    guess = guessed_eos_id(tokenizer.added_tokens)
    guessed = (token for token, number in tokenizer.added_tokens.items() if number == guess)
    return tuple(dict.fromkeys((*family.stop_tokens, *guessed)))


def word_that_stops(tokenizer: Tokenizer, family: VlmFamily) -> str | None:
    """The token that upstream's runner cuts answers at though it ends none; None if there is none.

    For a person to be warned of: an id 0 that is a word, as "!" in many vocabularies.
    """
    known = (*family.stop_tokens, *family.idle_stop_tokens)
    tokens = map(tokenizer.token_of, upstream_stop_ids(tokenizer, family))
    return next((token for token in tokens if token is not None and token not in known), None)


def _has_any(token: str, names: Sequence[str]) -> bool:
    return any(name in token for name in names)

"""A prompt of exactly so many tokens."""

from __future__ import annotations

from harness.errors import UserError
from harness.vlm.prompt import format_turn
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer

_WORDS = (" the", " a", "b", "c")
"""Added while there is room; the short ones fill what is left, and two of them never make one."""


def prompt_of(tokens: int, tokenizer: Tokenizer, family: VlmFamily) -> str:
    """A user prompt that has so many tokens in the family's chat strings.

    Raises:
        UserError: If these have more already, or nothing comes out exactly.
    """
    prompt = "Say"
    for _ in range(tokens):
        left = tokens - len(formatted_ids(prompt, tokenizer, family))
        if left <= 0:
            break
        longer = (prompt + word for word in _WORDS)
        costs = {one: len(formatted_ids(one, tokenizer, family)) for one in longer}
        fits = [one for one, cost in costs.items() if tokens - left < cost <= tokens]
        if not fits:
            break
        prompt = fits[0]
    found = len(formatted_ids(prompt, tokenizer, family))
    if found != tokens:
        raise UserError(
            f"No prompt of {tokens} tokens can be made for {family.name}, whose shortest has "
            f"{len(formatted_ids('Say', tokenizer, family))}; give another --prompt-tokens."
        )
    return prompt


def formatted_ids(prompt: str, tokenizer: Tokenizer, family: VlmFamily) -> list[int]:
    """Tokens of a turn without a picture, as our runner reads them."""
    return tokenizer.encode(format_turn(prompt, "", family.prompt))

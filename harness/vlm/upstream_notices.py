"""What upstream's runner does otherwise with a model's tokenizer, in a sentence for a person.

Imports without torch.
"""

from __future__ import annotations

from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_stops import word_that_stops


def stop_notice(tokenizer: Tokenizer, family: VlmFamily) -> str | None:
    """Where upstream's runner will cut answers; None where it cuts none (contract §4.3)."""
    word = word_that_stops(tokenizer, family)
    if word is None:
        return None
    return (
        f"upstream's runner cuts answers behind {word!r} (id {tokenizer.vocabulary[word]}), which "
        "it takes for the end of a text"
    )

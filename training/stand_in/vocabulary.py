"""Tokenizers laid out as those of the published models: every special token at its own id.

Ids of special tokens are compiled into runners and files, so a stand-in has to have them where the
published tokenizer has them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from harness.errors import UserError
from harness.vlm.spec import VlmSpec
from training.miniature import AddedTokens, miniature_of


def added_tokens(spec: VlmSpec) -> AddedTokens:
    """Where the special tokens of a model's published tokenizer are.

    Raises:
        UserError: If nobody has said that of its family.
    """
    found = miniature_of(spec.family).added_tokens
    if found is None:
        raise UserError(
            f"The ids of {spec.family.name}'s special tokens are not known; add them to its "
            "MiniatureFamily."
        )
    return found


def whole_vocabulary(spec: VlmSpec) -> Tokenizer:
    """A byte-level tokenizer in which every id of a model decodes to something.

    It spells byte by byte: what the ids behind the bytes stand for nobody writes, and a model of
    random weights says it.
    """
    added = added_tokens(spec)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*added.first, *alphabet]
    words += [f"w{number:06d}" for number in range(added.base_size - len(words))]
    return complete({word: index for index, word in enumerate(words)}, (), spec)


def complete(base: dict[str, int], merges: Sequence[tuple[str, str]], spec: VlmSpec) -> Tokenizer:
    """The tokenizer of a vision-language model around the vocabulary of its language model.

    Args:
        base: Id by token, as many as the family's language models have.
        merges: Of byte-pair encoding, in order.
        spec: The model; its special tokens are added.

    Returns:
        A tokenizer with exactly ``spec.text.vocab_size`` tokens, which adds none by itself.
    """
    added = added_tokens(spec)
    tokenizer = Tokenizer(models.BPE(vocab=base, merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    names = (*added.first, *added.behind(spec.text.vocab_size))
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in names])
    return tokenizer

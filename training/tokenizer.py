"""Byte-level tokenizers of the miniatures, with the real models' special tokens."""

from __future__ import annotations

from collections.abc import Iterator

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from harness.miniatures.scenes import TRAINING_SEEDS, Scene
from harness.vlm.spec import VlmSpec
from training.miniature import miniature_of

_CORPUS_SCENES = 1000

_FURTHER_TEXT = (
    "Can you please look at this image and say where it is? Who are they, when was this taken, "
    "and why? Compare both images, then write down which of them has more of it than the other."
)
"""Words that questions of a user may hold although no scene's do."""


def build_tokenizer(spec: VlmSpec) -> Tokenizer:
    """Train a byte-level BPE tokenizer on the questions and answers of the first training scenes.

    Every byte sequence can be encoded. There is no post-processor: encoding adds no token.

    Args:
        spec: A miniature; its special tokens take the last ids.

    Returns:
        A tokenizer of exactly ``spec.text.vocab_size`` tokens.

    Raises:
        ValueError: If the corpus holds too few words for that many tokens.
    """
    specials = miniature_of(spec.family).special_tokens
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=spec.text.vocab_size - len(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(spec), trainer)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in specials])
    if tokenizer.get_vocab_size() != spec.text.vocab_size:
        raise ValueError(
            f"the corpus yields {tokenizer.get_vocab_size()} tokens, not {spec.text.vocab_size}"
        )
    return tokenizer


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """Id of a token that has to be there.

    Raises:
        ValueError: If it is not.
    """
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no token {token!r}")
    return found


def _corpus(spec: VlmSpec) -> Iterator[str]:
    prompt = spec.family.prompt
    yield _FURTHER_TEXT
    for seed in TRAINING_SEEDS[:_CORPUS_SCENES]:
        yield prompt.turn_prefix
        yield prompt.turn_suffix
        for question in Scene.from_seed(seed).questions():
            yield question.prompt
            yield question.answer
            yield f" {question.answer}"

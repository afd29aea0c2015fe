"""Texts of the miniatures as token ids: byte-level tokenizers, questions and answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from harness.miniatures.questions import Question
from harness.miniatures.scenes import TRAINING_SEEDS, Scene
from harness.vlm.prompt import IMAGE_PLACEHOLDER, ImagePiece, answer_text, format_turn, split_pieces
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


@dataclass(frozen=True)
class Example:
    """Token ids of one question about one image.

    Attributes:
        prefix: Up to and including the image's rows; the same for all questions about an image.
        question: The rest of the prompt.
        answer: What the model has to say, the stop token included.
    """

    prefix: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...]

    @property
    def prompt(self) -> tuple[int, ...]:
        """Everything that the model is given."""
        return self.prefix + self.question


def encode_prompt(prompt: str, spec: VlmSpec, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Token ids of one user prompt after an image, without system prompt.

    The text pieces are tokenized one by one, as the runner does (contract §4.2), and every image
    becomes a run of the model's image token, as ``transformers`` wants it.
    """
    formatted = format_turn(IMAGE_PLACEHOLDER + prompt, "", spec.family.prompt)
    image_token_id = token_id(tokenizer, spec.family.image_token)
    ids: list[int] = []
    for piece in split_pieces(formatted):
        if isinstance(piece, ImagePiece):
            ids += [image_token_id] * spec.vision.tokens_per_image
        else:
            ids += tokenizer.encode(piece.text).ids
    return tuple(ids)


def encode_example(question: Question, spec: VlmSpec, tokenizer: Tokenizer) -> Example:
    """Token ids of a question and its answer.

    The answer begins with a blank where the prompt does not end in one (``Assistant: It is``), and
    directly where it does (InternVL's prompt ends in a line break). A generation therefore equals
    ``question.answer`` after ``str.strip``.
    """
    prompt = encode_prompt(question.prompt, spec, tokenizer)
    image_token_id = token_id(tokenizer, spec.family.image_token)
    image_end = len(prompt) - prompt[::-1].index(image_token_id)
    stop = token_id(tokenizer, spec.family.stop_tokens[0])
    text = answer_text(question.answer, spec.family.prompt)
    answer = (*tokenizer.encode(text).ids, stop)
    return Example(prompt[:image_end], prompt[image_end:], answer)

"""Questions and answers as token ids, exactly as the runner would feed them."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer

from harness.miniatures.questions import Question
from harness.vlm.prompt import IMAGE_PLACEHOLDER, ImagePiece, answer_text, format_turn, split_pieces
from harness.vlm.spec import VlmSpec
from training.tokenizer import token_id


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

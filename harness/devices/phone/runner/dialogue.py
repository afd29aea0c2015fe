"""A request as one generation of the runner takes it: prompts, what it will echo, and pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from harness.devices.phone.runner.generation import RunnerGeneration
from harness.errors import UserError
from harness.runtime.image import load_pixels
from harness.runtime.request import Request
from harness.vlm.prompt import (
    IMAGE_PLACEHOLDER,
    IMAGE_WORD,
    check_words,
    format_turn,
    place_images,
    turn_tokens,
    without_images,
)
from harness.vlm.spec import Preprocessing, VlmFamily
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_tokenizer import upstream_tokenizer


@dataclass(frozen=True)
class Dialogue:
    """One request, turn by turn.

    Attributes:
        prompts: One ``--prompt`` per turn.
        endings: Text that the echo of each turn ends with in ``outputs.txt``; what is behind it is
            the answer (contract §5.3).
        prompt_tokens: Merged length of each turn's prompt, image rows included, as the runner's own
            tokenizer will read it (contract §4.4).
        is_exact: Whether ``endings`` are whole echoes. A runner of PR #16536 echoes image tokens
            in a way that differs from model to model.
    """

    prompts: tuple[str, ...]
    endings: tuple[str, ...]
    prompt_tokens: tuple[int, ...]
    is_exact: bool


def hold_dialogue(
    request: Request,
    family: VlmFamily,
    tokenizer: Tokenizer,
    tokens_per_image: int,
    generation: RunnerGeneration,
) -> Dialogue:
    """Say a request in the runner's way.

    Raises:
        UserError: If images and placeholders do not match, a prompt fits in no command line, or
            the runner cannot hold such a conversation.
    """
    for text in (*request.prompts, request.system_prompt):
        check_words(text, f"A prompt of request {request.id!r}")
    prompts = place_images(request.prompts, len(request.images))
    turns = [format_turn(prompt, request.system_prompt, family.prompt) for prompt in prompts]
    if any(IMAGE_WORD in turn for turn in turns):
        raise UserError(
            f"Request {request.id!r} means the word {IMAGE_PLACEHOLDER}, where the runner on the "
            "phone sees the place of an image; word it otherwise."
        )
    reader = tokenizer if generation.is_ours else upstream_tokenizer(tokenizer.path)
    tokens = tuple(turn_tokens(turn, reader.encode, tokens_per_image) for turn in turns)
    if not generation.is_single_turn:
        echoes = tuple(without_images(turn) for turn in turns)
        return Dialogue(prompts, echoes, tokens, is_exact=True)
    text = _only_prompt(request, prompts)
    return Dialogue((text,), (text + family.prompt.turn_suffix,), tokens, is_exact=False)


def _only_prompt(request: Request, prompts: tuple[str, ...]) -> str:
    """The one prompt of a runner that puts its one image in front by itself."""
    text = prompts[0].removeprefix(IMAGE_PLACEHOLDER)
    if len(prompts) != 1 or len(request.images) != 1 or IMAGE_PLACEHOLDER in text:
        raise UserError(
            f"Request {request.id!r} has {len(prompts)} turns and {len(request.images)} images, "
            "and the runner on the phone, of January to March 2026, takes one prompt behind one "
            "image; build the runner of a newer ExecuTorch and give it with --build-dir."
        )
    return text


def write_raw_image(
    folder: Path, source: str, image_size_px: int, preprocessing: Preprocessing
) -> Path:
    """Write little-endian float32 ``[1, 3, size, size]`` of a picture, preprocessed.

    Args:
        folder: Folder to write to; a picture that is there already is not written again.
        source: Picture, as a request names it.
        image_size_px: Side of the vision encoder's square input.
        preprocessing: Preprocessing of the family.

    Raises:
        UserError: If the picture cannot be read.
    """
    content = load_pixels(source, image_size_px, preprocessing).astype("<f4").tobytes()
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.raw"
    if not path.exists():
        path.write_bytes(content)
    return path

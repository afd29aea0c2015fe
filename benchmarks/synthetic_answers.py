"""Made-up pictures, and what made-up models say of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.synthetic_place import ALL_PLACES
from harness.results.rows.schema import AnswerRow

WORDS = {"colour": ("red", "blue"), "count": ("3", "4"), "relation": ("left of", "right of")}


def draw_picture(number: int, random: np.random.Generator) -> Image.Image:
    """Grainy, so that it compresses as badly as a photograph."""
    grain = random.normal(128, 28, (240, 320, 3)).clip(0, 255).astype("uint8")
    image = Image.fromarray(grain)
    x = 20 + 17 * number % 180
    ImageDraw.Draw(image).ellipse((x, 60, x + 100, 160), fill=("red", "blue")[number % 2])
    return image


def answer_rows(number: int, image: str, at: datetime) -> Iterator[AnswerRow]:
    """What every place says to one picture; some phones are wrong at times."""
    kind = list(WORDS)[number % 3]
    right, other = WORDS[kind]
    for place in ALL_PLACES:
        wrong = place.is_remote and place.mode == "hybrid" and number % 5 == 0
        for variant, given in (("real", other if wrong else right), ("blank", other)):
            yield AnswerRow.model_validate(
                {
                    **place.subject(),
                    "sample_id": f"scene-{number:03}",
                    "question": f"<image>What is the {kind} of the shapes in this picture?",
                    "expected": f"The answer is {right}.",
                    "reference": f"The answer is {right}." if variant == "real" else None,
                    "given": f"The answer is {given}.",
                    "correct": given == right,
                    "image": image,
                    "variant": variant,
                    "question_kind": kind,
                    "at": at,
                }
            )

"""Paint a scene's cells as a picture."""

from __future__ import annotations

import math
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

from harness.miniatures.world import COLUMNS, ROWS, Cells, Digit, Shape

SIDE_PX = 256
"""Side of the square picture before any preprocessing."""

_INKS = {
    "red": (215, 35, 35),
    "green": (30, 150, 50),
    "blue": (35, 70, 210),
    "yellow": (240, 215, 30),
    "purple": (140, 45, 165),
    "orange": (245, 135, 20),
}
_INK_JITTER = 14
_RADIUS_PX = (27, 36)
_DIGIT_HEIGHT_PX = (64, 88)
_SHIFT_X_PX = 5
_SHIFT_Y_PX = 18
_DOTS = 24
_LINES = 4

Position = tuple[float, float]


def draw_cells(cells: Cells, chance: Random) -> Image.Image:
    """Paint what the cells hold onto a cluttered light background.

    Args:
        cells: One entry per cell in reading order.
        chance: Chooses background, clutter, and size, shift and tint of everything.

    Returns:
        RGB, ``SIDE_PX`` square.
    """
    picture = Image.new("RGB", (SIDE_PX, SIDE_PX), _grey(chance, 205, 255))
    brush = ImageDraw.Draw(picture)
    _scatter_clutter(brush, chance)
    width, height = SIDE_PX / len(COLUMNS), SIDE_PX / len(ROWS)
    for position, thing in enumerate(cells):
        row, column = divmod(position, len(COLUMNS))
        centre = (
            (column + 0.5) * width + chance.uniform(-_SHIFT_X_PX, _SHIFT_X_PX),
            (row + 0.5) * height + chance.uniform(-_SHIFT_Y_PX, _SHIFT_Y_PX),
        )
        if isinstance(thing, Shape):
            _draw_shape(brush, thing, centre, chance)
        elif isinstance(thing, Digit):
            _draw_digit(brush, thing, centre, chance)
    return picture


def _grey(chance: Random, low: int, high: int) -> tuple[int, int, int]:
    level = chance.randint(low, high)
    return (level, level, level)


def _scatter_clutter(brush: ImageDraw.ImageDraw, chance: Random) -> None:
    for _ in range(chance.randint(0, _LINES)):
        ends = [chance.uniform(0, SIDE_PX) for _ in range(4)]
        brush.line(ends, fill=_grey(chance, 150, 225), width=chance.randint(1, 3))
    for _ in range(chance.randint(0, _DOTS)):
        x, y = chance.uniform(0, SIDE_PX), chance.uniform(0, SIDE_PX)
        radius = chance.uniform(1, 4)
        box = (x - radius, y - radius, x + radius, y + radius)
        brush.ellipse(box, fill=_grey(chance, 120, 225))


def _draw_shape(brush: ImageDraw.ImageDraw, shape: Shape, centre: Position, chance: Random) -> None:
    ink = tuple(
        min(255, max(0, level + chance.randint(-_INK_JITTER, _INK_JITTER)))
        for level in _INKS[shape.colour]
    )
    radius = chance.uniform(*_RADIUS_PX)
    if shape.form == "circle":
        x, y = centre
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    else:
        brush.polygon(outline_of(shape.form, centre, radius), fill=ink)


def outline_of(form: str, centre: Position, radius: float) -> list[Position]:
    """Corners of a form other than the circle, which fits into a circle of ``radius`` or nearly."""
    x, y = centre
    if form == "square":
        half = 0.86 * radius
        return [
            (x - half, y - half),
            (x + half, y - half),
            (x + half, y + half),
            (x - half, y + half),
        ]
    if form == "triangle":
        return [(x, y - radius), (x + radius, y + 0.8 * radius), (x - radius, y + 0.8 * radius)]
    if form == "diamond":
        return [(x, y - 1.1 * radius), (x + radius, y), (x, y + 1.1 * radius), (x - radius, y)]
    if form == "cross":
        arm = 0.34
        corners = [
            (-arm, -1.0), (arm, -1.0), (arm, -arm), (1.0, -arm), (1.0, arm), (arm, arm),
            (arm, 1.0), (-arm, 1.0), (-arm, arm), (-1.0, arm), (-1.0, -arm), (-arm, -arm),
        ]  # fmt: skip
        return [(x + radius * dx, y + radius * dy) for dx, dy in corners]
    if form == "star":
        reach = [radius * (1.1 if tip % 2 == 0 else 0.45) for tip in range(10)]
        angles = [math.pi * (tip / 5 - 0.5) for tip in range(10)]
        return [
            (x + r * math.cos(angle), y + r * math.sin(angle))
            for r, angle in zip(reach, angles, strict=True)
        ]
    raise ValueError(f"no outline for {form!r}")


def _draw_digit(brush: ImageDraw.ImageDraw, digit: Digit, centre: Position, chance: Random) -> None:
    font = _font(chance.randint(*_DIGIT_HEIGHT_PX))
    brush.text(centre, str(digit.value), font=font, fill=_grey(chance, 0, 60), anchor="mm")


@lru_cache
def _font(height_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=height_px)

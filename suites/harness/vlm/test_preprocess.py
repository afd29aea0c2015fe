"""Pixels are those of the models' own image processors (contract §3.3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_image  # type: ignore[import-untyped]  # no stubs
from transformers import BaseImageProcessor
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from harness.vlm.picture import to_rgb
from harness.vlm.preprocess import preprocess
from harness.vlm.registry import get_spec, known_models
from harness.vlm.spec import VlmSpec

Channels = tuple[float, float, float]


def photograph(name: str) -> Image.Image:
    """A 640x427 photograph that ships with scikit-learn."""
    return Image.fromarray(load_sample_image(name))


def drawing(mode: str, size: tuple[int, int] = (311, 97)) -> Image.Image:
    """Shapes with hard edges, half-transparent where the mode allows it."""
    image = Image.new("RGBA", size, (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 5, size[0] // 2, size[1] - 5), fill=(200, 30, 30, 128))
    draw.rectangle((size[0] // 2, 10, size[0] - 9, size[1] // 2), fill=(20, 40, 220, 255))
    return image.convert(mode)


def palette_with_transparency() -> Image.Image:
    """A GIF-like picture one of whose colours is see-through."""
    image = drawing("RGB").quantize(8)
    image.info["transparency"] = 0
    return image


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "landscape photograph": lambda: photograph("china.jpg"),
    "flower photograph": lambda: photograph("flower.jpg"),
    "upright photograph": lambda: photograph("china.jpg").transpose(Image.Transpose.ROTATE_90),
    "greyscale photograph": lambda: photograph("flower.jpg").convert("L"),
    "photograph cropped to a strip": lambda: photograph("china.jpg").crop((0, 100, 640, 117)),
    "RGBA drawing": lambda: drawing("RGBA"),
    "greyscale drawing with alpha": lambda: drawing("LA"),
    "palette": lambda: drawing("P"),
    "palette with transparency": palette_with_transparency,
    "one bit": lambda: drawing("1"),
    "CMYK": lambda: photograph("china.jpg").convert("CMYK"),
    "one pixel": lambda: noise(1, 1),
    "wide noise": lambda: noise(1500, 3),
}


def expected(image: Image.Image, spec: VlmSpec) -> NDArray[np.float32]:
    """What upstream feeds: one square view from the family's processor, called as it calls it."""
    side, recipe = spec.vision.image_size_px, spec.family.preprocessing
    mean, std = list(recipe.mean), list(recipe.std)
    processor: BaseImageProcessor
    if spec.family.name == "smolvlm":
        processor = Idefics3ImageProcessorPil(
            image_mean=mean, image_std=std, max_image_size={"longest_edge": side}
        )
    else:
        processor = GotOcr2ImageProcessorPil(image_mean=mean, image_std=std, crop_to_patches=False)
    size = {"height": side, "width": side}
    pixels = processor(image, size=size, return_tensors="np")["pixel_values"]
    return np.asarray(pixels).reshape(1, 3, side, side)


@pytest.mark.parametrize("spec", known_models().values(), ids=lambda spec: spec.name)
@pytest.mark.parametrize("picture", PICTURES)
def test_pixels_equal_those_of_transformers(picture: str, spec: VlmSpec) -> None:
    """At most one step of 8-bit colour apart, in the normalized range of every channel."""
    image = PICTURES[picture]()
    recipe = spec.family.preprocessing
    pixels = preprocess(image, spec.vision.image_size_px, recipe)
    difference = np.abs(pixels - expected(image, spec)).max(axis=(0, 2, 3))
    assert (difference <= np.reciprocal(recipe.std) / 255).all()


@pytest.mark.parametrize(
    ("family", "resampling", "mean", "std"),
    [
        ("smolvlm", "lanczos", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ("internvl3", "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_constants_are_the_contracts(
    family: str, resampling: str, mean: Channels, std: Channels
) -> None:
    recipe = get_spec(f"tiny_{family}").family.preprocessing
    assert (recipe.resampling, recipe.mean, recipe.std) == (resampling, mean, std)


@pytest.mark.parametrize("resampling_of", ["tiny_smolvlm", "tiny_internvl3"])
@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    mode=st.sampled_from(["RGB", "L", "RGBA", "LA", "P", "1", "CMYK", "I;16"]),
)
def test_any_picture_becomes_one_contiguous_square(
    resampling_of: str, width: int, height: int, mode: str
) -> None:
    recipe = get_spec(resampling_of).family.preprocessing
    pixels = preprocess(Image.new(mode, (width, height)), 48, recipe)
    assert pixels.shape == (1, 3, 48, 48)
    assert pixels.dtype == np.float32
    assert pixels.flags.c_contiguous
    assert np.isfinite(pixels).all()


def test_transparency_is_laid_over_white() -> None:
    see_through = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    assert to_rgb(see_through).getpixel((0, 0)) == (255, 255, 255)

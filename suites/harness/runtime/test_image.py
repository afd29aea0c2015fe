"""Pixel values out of pictures and raw files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.errors import UserError
from harness.runtime.image import load_pixels
from harness.vlm.picture import load_image
from harness.vlm.preprocess import preprocess
from harness.vlm.registry import get_family

SIZE = 8
RECIPE = get_family("smolvlm").preprocessing


def test_a_raw_file_is_taken_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).standard_normal((1, 3, SIZE, SIZE)).astype(np.float32)
    path = tmp_path / "vision_encoder_input_0_0.raw"
    path.write_bytes(pixels.astype("<f4").tobytes())
    np.testing.assert_array_equal(load_pixels(str(path), SIZE, RECIPE), pixels)


@pytest.mark.parametrize("excess", [-4, -1, 1, 768])
def test_a_raw_file_of_another_size_is_refused(tmp_path: Path, excess: int) -> None:
    path = tmp_path / "image.raw"
    path.write_bytes(bytes(4 * 3 * SIZE * SIZE + excess))
    sentence = rf"has {768 + excess:,} bytes, .*float32 \[1, 3, 8, 8\], which is 768"
    with pytest.raises(UserError, match=sentence):
        load_pixels(str(path), SIZE, RECIPE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_raw_file_holds_numbers_alone(tmp_path: Path, value: float) -> None:
    pixels = np.zeros(3 * SIZE * SIZE, "<f4")
    pixels[[7, 190]] = value
    (tmp_path / "image.raw").write_bytes(pixels.tobytes())
    with pytest.raises(UserError, match=rf"2 values that are no number \(the first, 7, is {value}"):
        load_pixels(str(tmp_path / "image.raw"), SIZE, RECIPE)


def test_a_picture_is_preprocessed(pictures: tuple[str, str]) -> None:
    expected = preprocess(load_image(Path(pictures[0])), SIZE, RECIPE)
    np.testing.assert_array_equal(load_pixels(pictures[0], SIZE, RECIPE), expected)


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (40, 40)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=r"photo\.jpg"):
        load_pixels(str(path), SIZE, RECIPE)

"""Pictures arrive as a person sees them, or are refused in a sentence."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin
from sklearn.datasets import load_sample_image  # type: ignore[import-untyped]  # no stubs

from harness.errors import UserError
from harness.vlm import picture
from harness.vlm.picture import FORMATS, load_image


def photograph(name: str) -> Image.Image:
    """A 640x427 photograph that ships with scikit-learn."""
    return Image.fromarray(load_sample_image(name))


def ramp(bits: int) -> NDArray[np.uint16]:
    """Grey from black to white in all steps of a depth, up to 4,096 of them."""
    return np.linspace(0, (1 << bits) - 1, 4096).astype(np.uint16).reshape(64, 64)


def grey(image: Image.Image) -> NDArray[np.int64]:
    return np.asarray(image.convert("L")).astype(np.int64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    """Phones store pictures as the sensor lay and note the turn in EXIF tag 274."""
    upright = photograph("china.jpg").resize((64, 40))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[274] = orientation
    stored.save(tmp_path / "photo.png", exif=exif)
    loaded = load_image(tmp_path / "photo.png")
    assert np.array_equal(np.asarray(loaded), np.asarray(upright))


def test_what_is_no_picture_is_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    with pytest.raises(UserError, match=r"notes\.png is not a readable picture"):
        load_image(text)
    with pytest.raises(UserError, match=r"gone\.jpg does not exist"):
        load_image(tmp_path / "gone.jpg")
    with pytest.raises(UserError, match="is not a readable picture"):
        load_image(tmp_path)


def test_a_picture_cut_short_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    photograph("flower.jpg").save(whole)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"cut\.jpg is not a readable picture"):
        load_image(cut)


def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path: Path) -> None:
    """Pillow's own conversion makes all but the darkest 255 of 65,536 values white."""
    for name in ("grey.png", "grey.tif"):
        Image.fromarray(ramp(16)).save(tmp_path / name)
        assert np.abs(grey(load_image(tmp_path / name)) - ramp(16) / 257).max() <= 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bit_tiff_of_either_byte_order(tmp_path: Path, order: str) -> None:
    path = tmp_path / "grey.tif"
    path.write_bytes(tiff(ramp(16), order))
    assert np.abs(grey(load_image(path)) - ramp(16) / 257).max() <= 1


def test_a_tiff_in_which_zero_is_white_is_inverted(tmp_path: Path) -> None:
    path = tmp_path / "grey.tif"
    path.write_bytes(tiff(ramp(16), "<", photometric=0))
    assert np.abs(255 - grey(load_image(path)) - ramp(16) / 257).max() <= 1


def tiff(values: NDArray[np.uint16], order: str, photometric: int = 1) -> bytes:
    """A TIFF of one uncompressed strip of 16-bit grey."""
    pixels = values.astype(f"{order}u2").tobytes()
    entries = [
        (TiffImagePlugin.IMAGEWIDTH, values.shape[1]),
        (TiffImagePlugin.IMAGELENGTH, values.shape[0]),
        (TiffImagePlugin.BITSPERSAMPLE, 16),
        (TiffImagePlugin.COMPRESSION, 1),
        (TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, photometric),
        (TiffImagePlugin.STRIPOFFSETS, 8),
        (TiffImagePlugin.SAMPLESPERPIXEL, 1),
        (TiffImagePlugin.ROWSPERSTRIP, values.shape[0]),
        (TiffImagePlugin.STRIPBYTECOUNTS, len(pixels)),
    ]
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(pixels))
    directory = struct.pack(f"{order}H", len(entries))
    for tag, value in entries:
        directory += struct.pack(f"{order}HHII", tag, 4, 1, value)
    return head + pixels + directory + struct.pack(f"{order}I", 0)


def test_a_deep_pgm_is_scaled_by_its_own_maximum(tmp_path: Path) -> None:
    path = tmp_path / "grey.pgm"
    path.write_bytes(b"P5 64 64 4095\n" + ramp(12).astype(">u2").tobytes())
    assert np.abs(grey(load_image(path)) - ramp(12) / 4095 * 255).max() <= 1


@pytest.mark.parametrize("values", [np.float32, np.int32])
def test_numbers_that_stand_for_no_brightness_are_refused(
    tmp_path: Path, values: type[np.generic]
) -> None:
    Image.fromarray(np.ones((4, 4), values)).save(tmp_path / "depth.tif")
    with pytest.raises(UserError, match=r"depth\.tif holds numbers that stand for no brightness"):
        load_image(tmp_path / "depth.tif")


def test_a_photograph_of_200_megapixels_is_read(tmp_path: Path) -> None:
    """As a phone's camera writes it: 16,320 x 12,240 pixels."""
    Image.new("RGB", (16320, 12240), (200, 10, 10)).save(tmp_path / "large.jpg", quality=30)
    read = load_image(tmp_path / "large.jpg")
    assert min(read.size) >= 1024
    assert np.allclose(np.asarray(read.resize((2, 2))), (200, 10, 10), atol=4)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that ends where its pixels would begin."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = struct.pack(">I", 1 << 20) + b"IDAT"
    check = struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + check + pixels


def test_a_large_picture_takes_ten_bytes_a_pixel_at_most(tmp_path: Path) -> None:
    """Its own four and the three, in Pillow four, that it becomes."""
    Image.new("RGBA", (5000, 4000), (200, 10, 10, 128)).save(tmp_path / "large.png")
    measure = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from harness.vlm.picture import load_image\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak(); load_image(Path(sys.argv[1])); print(peak() - before)"
    )
    command = [sys.executable, "-c", measure, str(tmp_path / "large.png")]
    taken = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(taken) < 10 * 5000 * 4000


def test_a_file_is_not_read_beyond_its_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "MAX_FILE_BYTES", 1 << 20)
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(5 << 20)
    with pytest.raises(UserError, match=r"sparse\.png has 5 MiB, and a picture may have 1;"):
        load_image(tmp_path / "sparse.png")


def test_a_progressive_jpeg_is_bounded_by_pixels_and_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decoder holds all coefficients, and goes over them once a scan."""
    path = tmp_path / "scans.jpg"
    photograph("china.jpg").save(path, progressive=True)
    assert load_image(path).size == (640, 427)
    content = path.read_bytes()
    last = content.rindex(b"\xff\xda")
    path.write_bytes(content[:last] + content[last:-2] * 300 + b"\xff\xd9")
    with pytest.raises(UserError, match=r"is a progressive JPEG of 3\d\d scans, and 200 are taken"):
        load_image(path)
    monkeypatch.setattr(picture, "MAX_PIXELS", 1000)
    with pytest.raises(UserError, match=r"640 x 427 pixels, and a progressive JPEG may have"):
        load_image(path)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_the_first_picture_of_several_is_taken(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "several", kind, save_all=True, append_images=frames[1:])
    read = np.asarray(load_image(tmp_path / "several"))
    assert np.allclose(read.mean((0, 1)), (255, 0, 0), atol=4)


@pytest.mark.parametrize(
    "error",
    [
        SyntaxError("broken"),
        struct.error("unpack"),
        OverflowError("too large"),
        EOFError(),
        MemoryError(),
        RecursionError(),
        ValueError("chunk"),
        KeyError(3),
        Image.DecompressionBombError("bomb"),
        zlib.error("stream"),
    ],
)
def test_whatever_a_decoder_raises_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "picture.png")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Image.Image, "convert", fail)
    with pytest.raises(UserError, match=r"^\S+picture\.png is not a readable picture \(.+\); give"):
        load_image(tmp_path / "picture.png")


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(60_000, 60_000))
    with pytest.raises(UserError, match=r"has 60000 x 60000 pixels, .* 256 million; make it small"):
        load_image(path)
    assert Image.MAX_IMAGE_PIXELS is not None


@pytest.mark.parametrize("compressed", [True, False])
def test_texts_of_any_size_do_not_keep_a_picture_from_being_read(
    tmp_path: Path, compressed: bool
) -> None:
    """Editors and generators attach megabytes of XMP or of their workflow."""
    info = PngImagePlugin.PngInfo()
    for number in range(40):
        info.add_text(f"workflow {number}", "x" * (2 << 20), zip=compressed)
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "text.png", pnginfo=info)
    assert load_image(tmp_path / "text.png").getpixel((5, 5)) == (200, 30, 30)


def test_no_program_is_started_for_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow hands EPS to Ghostscript, which runs what the file says."""
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    file = tmp_path / "picture.jpg"
    file.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(UserError, match=r"is not a readable picture .none of JPEG, .*give a JPEG"):
        load_image(file)
    assert not (tmp_path / "started").exists()


def saved(kind: str) -> bytes:
    file = io.BytesIO()
    photograph("flower.jpg").resize((40, 30)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "MPO"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_a_picture_or_a_sentence(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    content = bytearray(saved(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(UserError):
        assert load_image(path).mode == "RGB"

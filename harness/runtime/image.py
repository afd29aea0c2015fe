"""Pictures, raw tensors and URLs to pixel values. Imports without torch."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.request
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.runtime.output import explain_failure, writing
from harness.vlm.picture import load_image, read_image
from harness.vlm.preprocess import preprocess
from harness.vlm.spec import Preprocessing

_TIMEOUT_S = 30
"""Of a download: longest silence."""
_TOTAL_S = 300
_MAX_BYTES = 512 << 20
_BLOCK_BYTES = 1 << 20
_PIN = "#sha256="


def is_url(source: str) -> bool:
    """Whether an image is to be downloaded."""
    return source.startswith(("http://", "https://"))


def pin(url: str, sha256: str) -> str:
    """Write the expected digest into a URL, so that it travels with a request.

    Raises:
        UserError: If the digest is not 64 hexadecimal digits.
    """
    return url + _PIN + _checked(sha256, url)


def split_pin(url: str) -> tuple[str, str | None]:
    """Address and expected digest of a URL, None where nothing is pinned.

    The digest names a file in the cache, so nothing but a digest may pass.

    Raises:
        UserError: If the digest is not 64 hexadecimal digits.
    """
    address, mark, sha256 = url.partition(_PIN)
    return address, _checked(sha256, address) if mark else None


def _checked(sha256: str, address: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UserError(
            f"The sha256 {sha256!r} of {address} is not 64 hexadecimal digits; use sha256sum's "
            f"output."
        )
    return sha256.lower()


def check_exists(source: str) -> None:
    """Find a missing file or a mistaken digest before a model is loaded.

    Raises:
        UserError: If there is no such file, or a URL's digest is none.
    """
    if is_url(source):
        split_pin(source)
    elif not Path(source).is_file():
        raise UserError(
            f"Image {source} does not exist; check --image, --image_path or the request."
        )


def load_pixels(
    source: str, image_size_px: int, preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Read one image for the vision encoder.

    Args:
        source: Path of a picture; path of a ``.raw`` file of pixel values (contract §5.2); or a
            URL of a picture, which may end in ``#sha256=<digest>``.
        image_size_px: Side of the encoder's square input.
        preprocessing: The family's filter and normalization, for pictures.

    Returns:
        float32 ``[1, 3, image_size_px, image_size_px]``.

    Raises:
        UserError: If the image is missing, unreadable, of the wrong size or not the pinned one.
    """
    path = fetch(source) if is_url(source) else Path(source)
    if path.suffix == ".raw":
        return _read_raw(path, image_size_px)
    return preprocess(load_image(path), image_size_px, preprocessing)


def fetch(url: str) -> Path:
    """Download a picture once into the user's cache, where only what is a picture is kept.

    A pinned picture is kept under its digest, another under its address. What the cache holds is
    looked at again whenever it is used, and fetched anew where it is damaged.

    Raises:
        UserError: If the digest is none, the server cannot be reached, sends something else than
            what was pinned or no picture, takes too long or sends too much, or the cache cannot be
            written.
    """
    address, sha256 = split_pin(url)
    name = sha256 or "url-" + hashlib.sha256(address.encode()).hexdigest()
    path = user_cache_path("snapgate") / "images" / name
    if path.is_file() and _is_intact(path, sha256):
        return path
    with explain_failure(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as part:
        found = _download(address, part)
        if sha256 and found != sha256:
            raise UserError(
                f"{address} has sha256 {found} instead of {sha256}; check the address or correct "
                f"--sha256."
            )
        part.seek(0)
        read_image(part, address)
    return path


def _is_intact(path: Path, sha256: str | None) -> bool:
    try:
        if sha256 and sha256_of(path) != sha256:
            return False
        load_image(path)
    except UserError:
        return False
    return True


def _download(address: str, file: IO[bytes]) -> str:
    """Copy a reply's body into a file and return its sha256."""
    digest, ends = hashlib.sha256(), time.monotonic() + _TOTAL_S
    request = urllib.request.Request(address, headers={"User-Agent": "snapgate"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:
            while block := reply.read1(_BLOCK_BYTES):
                digest.update(block)
                file.write(block)
                if file.tell() > _MAX_BYTES:
                    raise ConnectionError(f"it sends more than {_MAX_BYTES >> 20} MiB")
                if time.monotonic() > ends:
                    raise TimeoutError(f"{file.tell()} bytes arrived in {_TOTAL_S} s")
            announced = reply.headers["Content-Length"]
        # A connection that breaks while blocks are read ends the loop without an error.
        if announced is not None and file.tell() != int(announced):
            raise ConnectionError(f"{file.tell()} of {announced} bytes arrived")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UserError(
            f"{address} cannot be downloaded ({error}); download it yourself and give the file "
            f"as --image."
        ) from error
    return digest.hexdigest()


def _read_raw(path: Path, image_size_px: int) -> NDArray[np.float32]:
    shape = (1, 3, image_size_px, image_size_px)
    expected = 4 * int(np.prod(shape))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"Image {path} cannot be read ({error.strerror}); check its path."
        ) from error
    if len(content) != expected:
        raise UserError(
            f"{path} has {len(content)} bytes, but the vision encoder takes float32 "
            f"{list(shape)}, which is {expected}; give a raw file of this model or a picture."
        )
    return np.frombuffer(content, "<f4").reshape(shape).astype(np.float32, copy=False)

"""Where a picture comes from: a file, or an address whose reply is kept. Imports without torch."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from platformdirs import user_cache_path

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.picture_download import LONGEST_DOWNLOAD_S, download
from harness.pointer_file import refuse_pointer
from harness.vlm.picture import read_image

_ABANDONED_AFTER_S = 2 * LONGEST_DOWNLOAD_S
_PART = ".download-"
_PIN = "#sha256="
_FOREIGN_SCHEME = re.compile(r"(?!file:)(data(?=:)|[a-z][a-z0-9+.-]+(?=://))", re.IGNORECASE)
_SHOWN_LENGTH = 60


def is_url(source: str) -> bool:
    """Whether a picture is to be downloaded."""
    return source.lower().startswith(("http://", "https://"))


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


def check_exists(source: str, folder: Path | None = None) -> None:
    """Find a missing file or a mistaken address, before anything is downloaded or loaded.

    Args:
        source: As :func:`obtain` takes it.
        folder: As :func:`obtain` takes it.

    Raises:
        UserError: If there is no such file, the address is of a kind that is not taken, or its
            digest is none.
    """
    if is_url(source):
        split_pin(source)
    else:
        _local_file(source, folder)


def obtain(source: str, folder: Path | None = None) -> Path:
    """The file of a picture, downloaded where it is an address.

    Args:
        source: Path, ``~`` and ``file://`` included, or ``http(s)://`` address, which may end in
            ``#sha256=<digest>``.
        folder: What a relative path begins at; None for the working directory.

    Raises:
        UserError: As :func:`check_exists` and :func:`fetch`.
    """
    return fetch(source) if is_url(source) else _local_file(source, folder)


def _local_file(source: str, folder: Path | None) -> Path:
    if scheme := _FOREIGN_SCHEME.match(source):
        raise UserError(
            f"Image {_short(source)} is a {scheme[0]}: address, and those of http, https and file "
            "are taken; save the picture as a file and name that."
        )
    path = (folder or Path()) / _local_path(source)
    try:
        refuse_pointer(path)
        if path.is_file():
            return path
        kind = "is a folder" if path.is_dir() else "does not exist"
        if path.exists() and not path.is_dir():
            kind = "is no regular file"
    except (OSError, ValueError) as error:
        kind = f"is no path ({error})"
    raise UserError(f"Image {path} {kind}; check its path.")


def _local_path(source: str) -> Path:
    if source.lower().startswith("file:"):
        address = urlsplit(source)
        if address.netloc not in ("", "localhost") or not address.path.startswith("/"):
            raise UserError(
                f"Image {source} names no file of this machine; spell it file:///folder/name."
            )
        return Path(unquote(address.path))
    try:
        return Path(source).expanduser()
    except RuntimeError as error:
        raise UserError(f"Image {source}: {error} Write its path out.") from error


def _short(source: str) -> str:
    """An address for a sentence, which one that holds the picture itself would fill."""
    if len(source) <= _SHOWN_LENGTH:
        return source
    return f"{source[:_SHOWN_LENGTH]}... ({len(source)} characters)"


def fetch(url: str) -> Path:
    """Download a picture once into the user's cache, where only what is a picture is kept.

    A pinned picture is kept under its digest, another under its address and its digest. What the
    cache holds is hashed again whenever it is used, and fetched anew where it was changed.

    Raises:
        UserError: If the digest is none, the server cannot be reached, sends something else than
            what was pinned or no picture, takes too long or sends too much, or the cache cannot be
            written.
    """
    address, sha256 = split_pin(url)
    folder = user_cache_path("snapgate") / "images"
    # Bytes of a command line that are no UTF-8 arrive as lone surrogates.
    of_address = "url-" + hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()
    try:
        for kept in sorted(folder.glob(f"{of_address}-*")) if sha256 is None else [folder / sha256]:
            if kept.is_file() and sha256_of(kept) == kept.name.rpartition("-")[-1]:
                return kept
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        with tempfile.TemporaryDirectory(prefix=_PART, dir=folder) as workspace:
            part = Path(workspace) / "picture"
            found = _download_picture(address, part, sha256)
            return part.replace(folder / (sha256 or f"{of_address}-{found}"))
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror}); make room, or name another folder for "
            "caches with XDG_CACHE_HOME."
        ) from error


def _download_picture(address: str, path: Path, sha256: str | None) -> str:
    """Download what is a picture, and the one that was pinned; its sha256."""
    with path.open("w+b") as file:
        found = download(address, file)
        if sha256 and found != sha256:
            raise UserError(
                f"{address} has sha256 {found} instead of {sha256}; check the address or correct "
                "--sha256."
            )
        file.seek(0)
        read_image(file, address)
    return found


def _remove_abandoned(folder: Path) -> None:
    """Remove what downloads left that were killed."""
    latest = time.time() - _ABANDONED_AFTER_S
    for part in folder.glob(f"{_PART}*"):
        # Another process may have been quicker.
        with contextlib.suppress(FileNotFoundError):
            if part.stat().st_mtime < latest:
                shutil.rmtree(part, ignore_errors=True)

"""Bytes of an address, within a time and a size. Imports without torch."""

from __future__ import annotations

import hashlib
import http.client
import threading
import urllib.request
from typing import IO
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.vlm.picture import MAX_FILE_BYTES

LONGEST_DOWNLOAD_S = 300
"""From the first look-up to the last byte."""

_LONGEST_SILENCE_S = 30
_BLOCK_BYTES = 1 << 20


def download(address: str, file: IO[bytes]) -> str:
    """Copy what a server replies into a file.

    Args:
        address: Of http or https; redirects stay within these, and never leave https.
        file: Takes the bytes.

    Returns:
        Their sha256.

    Raises:
        UserError: If the server cannot be reached or replies with an error, with too much, for too
            long or for less than it announced.
        OSError: If the file cannot be written.
    """
    copy = _Copy(address, file)
    # A server may send its headers byte by byte, and a name server none: only somebody outside
    # can tell that all of it has lasted too long.
    thread = threading.Thread(target=copy.run, daemon=True)
    thread.start()
    try:
        thread.join(LONGEST_DOWNLOAD_S)
    finally:
        copy.is_given_up.set()
    if thread.is_alive():
        error: Exception = TimeoutError(
            f"{copy.received_bytes:,} bytes arrived in {LONGEST_DOWNLOAD_S} s"
        )
    elif copy.written_wrong is not None:
        raise copy.written_wrong
    elif copy.failure is not None:
        error = copy.failure
    else:
        return copy.digest.hexdigest()
    raise UserError(
        f"{address} cannot be downloaded ({error}); download it yourself and give the file instead."
    ) from error


class _Copy:
    """One download, as far as it is.

    Attributes:
        received_bytes: So far.
        digest: Of these.
        is_given_up: Set by who waits for it no longer.
        failure: What went wrong with the server.
        written_wrong: What went wrong with the file.
    """

    def __init__(self, address: str, file: IO[bytes]) -> None:
        self.received_bytes = 0
        self.digest = hashlib.sha256()
        self.is_given_up = threading.Event()
        self.failure: Exception | None = None
        self.written_wrong: OSError | None = None
        self._address = address
        self._file = file

    def run(self) -> None:
        """Copy to the end, or until nobody waits for it."""
        try:
            request = urllib.request.Request(self._address, headers={"User-Agent": "snapgate"})
            with _opener().open(request, timeout=_LONGEST_SILENCE_S) as reply:
                announced = reply.headers["Content-Length"]
                self._check_size(int(announced or 0))
                while block := reply.read1(_BLOCK_BYTES):
                    if not self._take(block):
                        return
            # A connection that breaks while blocks are read ends the loop without an error.
            if announced is not None and self.received_bytes != int(announced):
                raise ConnectionError(
                    f"{self.received_bytes:,} of {int(announced):,} bytes arrived"
                )
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.failure = error

    def _take(self, block: bytes) -> bool:
        self.received_bytes += len(block)
        self._check_size(self.received_bytes)
        self.digest.update(block)
        if self.is_given_up.is_set():
            return False
        try:
            self._file.write(block)
        except OSError as error:
            self.written_wrong = error
        return self.written_wrong is None

    def _check_size(self, size: int) -> None:
        if size > MAX_FILE_BYTES:
            raise ConnectionError(f"it sends more than {MAX_FILE_BYTES >> 20} MiB")


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https alone; urllib's own one follows redirects to ftp as well."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to another address of the kind that was asked for, or to a safer one."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request.

        Raises:
            ConnectionError: If it would be of another kind.
        """
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in (before, "https"):
            raise ConnectionError(f"it redirects from {before} to {after}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)

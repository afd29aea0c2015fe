"""Pixel values out of pictures, raw files and the network."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.errors import UserError
from harness.runtime import image
from harness.runtime.image import check_exists, fetch, load_pixels, pin
from harness.vlm.picture import load_image
from harness.vlm.preprocess import preprocess
from harness.vlm.registry import get_family

SIZE = 8
RECIPE = get_family("smolvlm").preprocessing


class Server(http.server.ThreadingHTTPServer):
    """Serves one body on every path but ``/cut``, which promises more than it sends."""

    body = b""
    requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    """One reply of :class:`Server`."""

    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        if self.path == "/missing":
            self.send_error(404)
            return
        body = self.server.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + 5 * (self.path == "/cut")))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: tuple[str, str]
) -> Iterator[Server]:
    """A web server with a picture, and an empty image cache."""
    monkeypatch.setattr(image, "user_cache_path", lambda name: tmp_path / "cache" / name)
    with Server(("127.0.0.1", 0), Handler) as running:
        running.body = Path(pictures[0]).read_bytes()
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def url(server: Server, path: str = "/picture.png") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_a_raw_file_is_taken_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).standard_normal((1, 3, SIZE, SIZE)).astype(np.float32)
    path = tmp_path / "vision_encoder_input_0_0.raw"
    path.write_bytes(pixels.astype("<f4").tobytes())
    np.testing.assert_array_equal(load_pixels(str(path), SIZE, RECIPE), pixels)


@pytest.mark.parametrize("excess", [-4, -1, 1, 768])
def test_a_raw_file_of_another_size_is_refused(tmp_path: Path, excess: int) -> None:
    path = tmp_path / "image.raw"
    path.write_bytes(bytes(4 * 3 * SIZE * SIZE + excess))
    sentence = rf"has {768 + excess} bytes, .*float32 \[1, 3, 8, 8\], which is 768"
    with pytest.raises(UserError, match=sentence):
        load_pixels(str(path), SIZE, RECIPE)


def test_a_picture_is_preprocessed(pictures: tuple[str, str]) -> None:
    expected = preprocess(load_image(Path(pictures[0])), SIZE, RECIPE)
    np.testing.assert_array_equal(load_pixels(pictures[0], SIZE, RECIPE), expected)


def test_a_download_happens_once(server: Server, pictures: tuple[str, str]) -> None:
    first = load_pixels(url(server), SIZE, RECIPE)
    second = load_pixels(url(server), SIZE, RECIPE)
    assert server.requests == 1
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, load_pixels(pictures[0], SIZE, RECIPE))


def test_a_pinned_download_is_checked_and_found_without_the_network(server: Server) -> None:
    digest = hashlib.sha256(server.body).hexdigest()
    path = fetch(pin(url(server), digest.upper()))
    assert path.read_bytes() == server.body
    assert fetch(pin("http://127.0.0.1:1/elsewhere.png", digest)) == path


def test_what_is_no_picture_is_not_kept(server: Server) -> None:
    """A page of a proxy arrives with status 200 once; the next try asks again."""
    served, server.body = server.body, b"<!DOCTYPE html><title>Just a moment</title>"
    with pytest.raises(UserError, match=r"picture\.png is not a readable picture"):
        load_pixels(url(server), SIZE, RECIPE)
    server.body = served
    assert load_pixels(url(server), SIZE, RECIPE).shape == (1, 3, SIZE, SIZE)
    assert server.requests == 2


@pytest.mark.parametrize("is_pinned", [True, False])
def test_what_was_damaged_in_the_cache_is_fetched_anew(server: Server, is_pinned: bool) -> None:
    digest = hashlib.sha256(server.body).hexdigest()
    address = pin(url(server), digest) if is_pinned else url(server)
    kept = fetch(address)
    kept.write_bytes(server.body[:100])
    assert fetch(address).read_bytes() == server.body
    assert server.requests == 2


def test_a_download_has_a_largest_size(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "_MAX_BYTES", 100)
    with pytest.raises(UserError, match="it sends more than 0 MiB"):
        fetch(url(server))


def test_a_download_has_a_longest_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "_TOTAL_S", -1)
    with pytest.raises(UserError, match="bytes arrived in -1 s"):
        fetch(url(server))


def test_a_wrong_digest_leaves_nothing_in_the_cache(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="instead of 0000"):
        fetch(pin(url(server), "0" * 64))
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("path", ["/missing", "/cut"])
def test_a_failed_download_is_one_sentence(server: Server, tmp_path: Path, path: str) -> None:
    with pytest.raises(UserError, match=r"cannot be downloaded .*give the file as --image"):
        fetch(url(server, path))
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_no_network_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "user_cache_path", lambda name: tmp_path / name)
    with pytest.raises(UserError, match="cannot be downloaded"):
        fetch("http://127.0.0.1:1/picture.png")


def test_a_digest_must_look_like_one() -> None:
    with pytest.raises(UserError, match="not 64 hexadecimal digits"):
        pin("http://example.org/a.png", "abc")


@pytest.mark.parametrize("digest", ["/etc/hostname", "../../../etc/hostname", "", "0" * 63])
def test_what_is_no_digest_never_becomes_a_path(server: Server, digest: str) -> None:
    with pytest.raises(UserError, match="not 64 hexadecimal digits"):
        fetch(f"{url(server)}#sha256={digest}")
    assert server.requests == 0


def test_a_cache_that_cannot_be_written_is_one_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    monkeypatch.setattr(image, "user_cache_path", lambda name: tmp_path / "file" / name)
    with pytest.raises(UserError, match=r"cannot be written \(Not a directory\)"):
        fetch(url(server))


def test_missing_files_are_found_before_anything_is_loaded(pictures: tuple[str, str]) -> None:
    check_exists(pictures[0])
    check_exists("https://example.org/picture.png")
    with pytest.raises(UserError, match=r"nowhere\.png does not exist"):
        check_exists("nowhere.png")


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (40, 40)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=r"photo\.jpg"):
        load_pixels(str(path), SIZE, RECIPE)

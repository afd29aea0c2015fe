"""Pictures by path and by address: what is taken, kept and refused."""

from __future__ import annotations

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from harness import picture_download, picture_source
from harness.errors import UserError
from harness.picture_source import check_exists, fetch, obtain, pin


class Server(http.server.ThreadingHTTPServer):
    """Serves one body on every path but ``/cut``, which promises more than it sends.

    ``/to/<address>`` redirects, and ``/slow`` sends a header a byte at a time for good.
    """

    body = b""
    requests = 0
    is_over = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    """One reply of :class:`Server`."""

    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path == "/slow":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            with suppress(OSError):
                while not self.server.is_over.wait(0.01):
                    self.wfile.write(b"x")
            return
        body = self.server.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + 5 * (self.path == "/cut")))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A web server with a picture, and an empty image cache."""
    monkeypatch.setattr(picture_source, "user_cache_path", lambda name: tmp_path / "cache" / name)
    with Server(("127.0.0.1", 0), Handler) as running:
        running.body = png()
        running.is_over = threading.Event()
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.is_over.set()
        running.shutdown()
        thread.join()


def png() -> bytes:
    """A picture of noise."""
    file = BytesIO()
    Image.effect_noise((20, 20), 64).save(file, "PNG")
    return file.getvalue()


def url(server: Server, path: str = "/picture.png") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_a_download_happens_once(server: Server) -> None:
    first, second = obtain(url(server)), obtain(url(server))
    assert server.requests == 1
    assert first == second
    assert first.read_bytes() == server.body


def test_a_pinned_download_is_checked_and_found_without_the_network(server: Server) -> None:
    digest = hashlib.sha256(server.body).hexdigest()
    path = fetch(pin(url(server), digest.upper()))
    assert path.read_bytes() == server.body
    assert fetch(pin("http://127.0.0.1:1/elsewhere.png", digest)) == path


def test_what_is_no_picture_is_not_kept(server: Server) -> None:
    """A page of a proxy arrives with status 200 once; the next try asks again."""
    served, server.body = server.body, b"<!DOCTYPE html><title>Just a moment</title>"
    with pytest.raises(UserError, match=r"picture\.png is not a readable picture"):
        fetch(url(server))
    server.body = served
    assert fetch(url(server)).read_bytes() == served
    assert server.requests == 2


@pytest.mark.parametrize("is_pinned", [True, False])
def test_what_was_damaged_in_the_cache_is_fetched_anew(server: Server, is_pinned: bool) -> None:
    digest = hashlib.sha256(server.body).hexdigest()
    address = pin(url(server), digest) if is_pinned else url(server)
    kept = fetch(address)
    kept.write_bytes(server.body[:100])
    assert fetch(address).read_bytes() == server.body
    assert server.requests == 2


@pytest.mark.parametrize("is_pinned", [True, False])
def test_another_picture_in_the_cache_is_not_taken_for_the_one(
    server: Server, is_pinned: bool
) -> None:
    digest = hashlib.sha256(server.body).hexdigest()
    address = pin(url(server), digest) if is_pinned else url(server)
    fetch(address).write_bytes(png())
    assert fetch(address).read_bytes() == server.body


def test_a_digest_holds_for_what_was_kept_without_one(server: Server) -> None:
    fetch(url(server))
    with pytest.raises(UserError, match="instead of 0000"):
        fetch(pin(url(server), "0" * 64))


@pytest.mark.parametrize("path", ["/picture.png", "/cut"])
def test_a_download_has_a_largest_size(
    server: Server, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(picture_download, "MAX_FILE_BYTES", 100)
    with pytest.raises(UserError, match="it sends more than 0 MiB"):
        fetch(url(server, path))


def test_a_download_has_a_longest_time_whatever_the_server_sends(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A header that never ends is no silence."""
    monkeypatch.setattr(picture_download, "LONGEST_DOWNLOAD_S", 0.1)
    with pytest.raises(UserError, match=r"0 bytes arrived in 0\.1 s"):
        fetch(url(server, "/slow"))
    assert kept_files(tmp_path) == []


@pytest.mark.parametrize(
    "target", ["file:///etc/hostname", "ftp://127.0.0.1:1/a.png", "data:image/png;base64,AAAA"]
)
def test_a_redirect_leads_to_addresses_alone(server: Server, target: str) -> None:
    with pytest.raises(
        UserError, match=r"cannot be downloaded \(.*(redirects from http to|not all)"
    ):
        fetch(url(server, f"/to/{target}"))


def test_a_redirect_to_another_address_is_followed(server: Server) -> None:
    assert fetch(url(server, "/to/" + url(server))).read_bytes() == server.body


def test_nothing_is_left_of_a_download_that_was_interrupted(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(picture_source, "read_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(url(server))
    assert kept_files(tmp_path) == []


def test_what_a_killed_download_left_is_removed_by_a_later_one(
    server: Server, tmp_path: Path
) -> None:
    folder = fetch(url(server)).parent
    for name, seconds in ((".download-old", 0), (".download-young", 1 << 33)):
        (folder / name).mkdir()
        (folder / name / "picture").touch()
        os.utime(folder / name, (seconds, seconds))
    fetch(url(server, "/another.png"))
    assert [path.name for path in folder.glob(".*")] == [".download-young"]


def kept_files(folder: Path) -> list[Path]:
    return list((folder / "cache" / "snapgate" / "images").glob("*"))


def test_a_wrong_digest_leaves_nothing_in_the_cache(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="instead of 0000"):
        fetch(pin(url(server), "0" * 64))
    assert kept_files(tmp_path) == []


@pytest.mark.parametrize("path", ["/missing", "/cut"])
def test_a_failed_download_is_one_sentence(server: Server, tmp_path: Path, path: str) -> None:
    with pytest.raises(UserError, match=r"cannot be downloaded .*give the file instead"):
        fetch(url(server, path))
    assert kept_files(tmp_path) == []


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/picture.png",
        "http://[::1/picture.png",
        "http://127.0.0.1:port/a.png",
        "http://127.0.0.1:1/\udcff.png",
        "http://127.0.0.1:1/a b\n.png",
        "http:///a.png",
    ],
)
def test_an_address_without_an_answer_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(picture_source, "user_cache_path", lambda name: tmp_path / name)
    with pytest.raises(UserError, match="cannot be downloaded"):
        fetch(address)


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
    monkeypatch.setattr(picture_source, "user_cache_path", lambda name: tmp_path / "file" / name)
    with pytest.raises(UserError, match=r"cannot be written \(Not a directory\)"):
        fetch(url(server))


def spellings(picture: Path) -> list[str]:
    """Of a picture in the working directory, which is the home as well."""
    name = picture.name
    quoted = picture.as_uri()
    return [
        name,
        f"./{name}",
        str(picture),
        f"~/{name}",
        quoted,
        quoted.replace("file:///", "FILE://localhost/"),
        quoted.replace("file:///", "file:/"),
    ]


@pytest.mark.parametrize("number", range(7))
def test_a_file_is_found_however_its_path_is_spelled(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "a 50% füll.png"
    picture.write_bytes(png())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    spelled = spellings(picture)[number]
    check_exists(spelled)
    assert obtain(spelled).samefile(picture)


def test_a_relative_path_begins_at_the_folder_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(png())
    found = obtain("pictures/a.png", tmp_path)
    assert found == tmp_path / "pictures" / "a.png"
    assert obtain(str(found), Path("/elsewhere")) == found


def test_an_address_is_looked_at_only_when_it_is_needed() -> None:
    check_exists("https://example.org/picture.png")
    check_exists("HTTPS://example.org/picture.png")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere.png", r"nowhere\.png does not exist"),
        ("/", r"/ is a folder"),
        ("/dev/null", r"/dev/null is no regular file"),
        ("", r"is a folder"),
        ("a\0b.png", r"does not exist|is no path"),
        ("x" * 5000, r"is no path \(.*File name too long"),
        ("~nobody-of-that-name/a.png", r"home directory.*Write its path out"),
        ("file://server/a.png", r"names no file of this machine; spell it file:///"),
        ("file:a.png", r"names no file of this machine"),
        ("s3://bucket/a.png", r"is a s3: address, and those of http, https and file are taken"),
        ("ftp://example.org/a.png", r"is a ftp: address"),
        ("data:image/png;base64," + "A" * 5000, r"^.{,120}5022 characters.* is a data: address"),
        ("DATA:,x", r"is a DATA: address"),
    ],
)
def test_what_is_no_picture_of_ours_to_take_is_one_sentence(source: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_exists(source)

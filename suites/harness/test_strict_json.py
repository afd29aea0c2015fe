"""JSON of strangers is one document that all readers read alike, or refused in a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.strict_json import parse_json, read_json


def test_what_json_holds_is_read() -> None:
    text = '{"a": [1, -2.5e3, true, null, "\\u00e4 \\ud83d\\ude00"], "b": {"a": {}}}'
    assert parse_json(text) == {"a": [1, -2500.0, True, None, "ä 😀"], "b": {"a": {}}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ('{"a": 1, "b": 2, "a": 1}', "holds 'a' twice"),
        ('[{"b": {"c": 1, "c": 1}}]', "holds 'c' twice"),
        ("[NaN]", "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("9" * 5000, "a number of 5000 digits"),
        ('"\\ud800"', "surrogates not allowed"),
        ('{"\\uDFFF": 1}', "surrogates not allowed"),
        ("", "Expecting value"),
        ("{} {}", "Extra data"),
    ],
)
def test_what_two_readers_could_read_as_two_things_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf{}")
    assert read_json(tmp_path / "a.json") == {}


def test_a_file_is_regular_and_of_a_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_text("[]" + " " * (1 << 20))
    with pytest.raises(ValueError, match="it has more than 1 MiB"):
        read_json(tmp_path / "large.json", most_bytes=1 << 20)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ValueError, match="it is no regular file"):
        read_json(tmp_path / "pipe.json")
    with pytest.raises(ValueError, match="it is no regular file"):
        read_json(Path("/dev/zero"))
    (tmp_path / "latin.json").write_bytes(b'"\xff\xfe"')
    with pytest.raises(ValueError, match="codec can't decode"):
        read_json(tmp_path / "latin.json")

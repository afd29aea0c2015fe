"""The packets of adb's sync protocol."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.adb.sync import (
    CHUNK_BYTES,
    ChunkedReader,
    SyncHeader,
    end_of_file,
    send_request,
)
from harness.errors import UserError


def content_of(packets: bytes) -> bytes:
    """What a phone reads from ``DATA`` packets."""
    content = b""
    while packets:
        kind, count = struct.unpack_from("<4sI", packets)
        assert kind == b"DATA"
        assert 0 < count <= CHUNK_BYTES
        content += packets[8 : 8 + count]
        packets = packets[8 + count :]
    return content


def all_packets(path: Path, skipped: int, chunks: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(skipped)
        reader = ChunkedReader(file, path.stat().st_size - skipped, chunks)
        return b"".join(bytes(part) for part in iter(reader.next_packets, b""))


def test_a_send_request_names_the_path_and_a_regular_file_with_its_permissions() -> None:
    assert send_request("/data/x", 0o755) == b"SEND\x0d\0\0\0/data/x,33261"


def test_a_path_is_counted_in_bytes_and_not_in_letters() -> None:
    assert send_request("/data/ö", 0o644) == b"SEND\x0e\0\0\0/data/\xc3\xb6,33188"


def test_the_end_of_a_file_carries_its_time() -> None:
    assert end_of_file(0x01020304) == b"DONE\x04\x03\x02\x01"


@given(kind=st.sampled_from(["OKAY", "FAIL", "DATA", "DONE"]), number=st.integers(0, 2**32 - 1))
def test_a_header_survives_its_eight_bytes(kind: str, number: int) -> None:
    assert SyncHeader.unpack(SyncHeader(kind, number).pack()) == SyncHeader(kind, number)


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
@pytest.mark.parametrize("skipped", [0, 1])
def test_packets_carry_the_file_from_where_it_was_opened(
    tmp_path: Path, size: int, skipped: int
) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "model.pte"
    path.write_bytes(content[:size])

    skipped = min(skipped, size)

    assert content_of(all_packets(path, skipped, chunks=2)) == content[skipped:size]


def test_a_file_that_shrinks_while_it_is_sent_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model.pte"
    path.write_bytes(b"abc")

    with path.open("rb", buffering=0) as file, pytest.raises(UserError, match="last 2 bytes"):
        ChunkedReader(file, 5).next_packets()

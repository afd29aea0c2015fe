"""Messages of the sync service."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual_phone.protocol.sync_messages import (
    CHUNK_BYTES,
    BadSyncRequest,
    SyncRequest,
    pack_data,
    pack_fail,
    pack_listing,
    pack_stat_1,
    pack_stat_2,
    parse_request,
    parse_send_2,
    parse_send_target,
)

PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.binary(min_size=4, max_size=4), st.integers(0, 2**32 - 1))
def test_a_request_is_four_letters_and_a_number(kind: bytes, number: int) -> None:
    assert parse_request(kind + struct.pack("<I", number)) == SyncRequest(kind, number)


@given(st.integers(1025, 2**32 - 1))
def test_a_path_longer_than_any_is_refused(length: int) -> None:
    with pytest.raises(BadSyncRequest, match="too long"):
        SyncRequest(b"STAT", length).path_bytes  # noqa: B018


@given(PATHS, st.integers(0, 0o177777))
def test_a_path_may_hold_commas_before_the_mode(path: str, mode: int) -> None:
    assert parse_send_target(f"{path},{mode}") == (path, mode)


@pytest.mark.parametrize("target", ["/data/local/tmp/x", "/data/x,", "/data/x,rw", "/data/x,²"])
def test_a_push_without_a_mode_is_refused(target: str) -> None:
    with pytest.raises(BadSyncRequest):
        parse_send_target(target)


def test_the_second_generation_sends_mode_and_flags_apart() -> None:
    assert parse_send_2(b"SND2" + struct.pack("<II", 0o100644, 0)) == (0o100644, 0)


@given(st.binary(max_size=3 * CHUNK_BYTES))
def test_data_is_cut_into_chunks_that_clients_take(block: bytes) -> None:
    packed = bytes(pack_data(block))
    taken = b""
    while packed:
        request = parse_request(packed[:8])
        assert request.kind == b"DATA"
        assert request.number <= CHUNK_BYTES
        taken += packed[8 : 8 + request.number]
        packed = packed[8 + request.number :]
    assert taken == block


def test_a_failure_carries_its_reason() -> None:
    assert pack_fail("no") == b"FAIL\x02\x00\x00\x00no"


def test_a_missing_file_has_no_mode_and_an_error_number(tmp_path: Path) -> None:
    assert pack_stat_1(tmp_path / "none") == bytes(12)
    assert pack_stat_2(tmp_path / "none")[:4] == struct.pack("<I", 2)


def test_the_first_generation_has_the_lower_32_bits_of_a_size(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.touch()
    os.truncate(big, (5 << 30) + 7)
    assert struct.unpack("<III", pack_stat_1(big))[1] == (1 << 30) + 7
    assert struct.unpack("<IQQIIIIQqqq", pack_stat_2(big))[7] == (5 << 30) + 7


def test_a_missing_folder_lists_nothing(tmp_path: Path) -> None:
    assert pack_listing(tmp_path / "none") == b"DONE" + bytes(72)

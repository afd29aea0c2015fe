"""Packets: what is packed is read back, and nothing else is taken for a packet."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual_phone.protocol.packets import (
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    AdbCommand,
    BadPacket,
    Header,
    checksum,
    parse_header,
)

WORDS = st.integers(0, 2**32 - 1)
HEADERS = st.builds(
    Header, st.sampled_from(AdbCommand), WORDS, WORDS, st.integers(0, MAX_PAYLOAD_BYTES), WORDS
)


@given(HEADERS)
def test_a_packed_header_is_read_back(header: Header) -> None:
    assert parse_header(header.pack()) == header


def test_a_header_looks_as_the_protocol_says() -> None:
    packed = Header(AdbCommand.CNXN, 0x01000001, 1 << 20, 6, 0).pack()
    assert packed == b"CNXN" + bytes.fromhex("01000001 00001000 06000000 00000000 bcb1a7b1")


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_refused_as_such(data: bytes) -> None:
    with pytest.raises(BadPacket):
        parse_header(data)


@given(HEADERS, st.integers(20, 23), st.integers(1, 255))
def test_a_damaged_magic_is_noticed(header: Header, place: int, change: int) -> None:
    packed = bytearray(header.pack())
    packed[place] ^= change
    with pytest.raises(BadPacket, match="magic"):
        parse_header(bytes(packed))


def test_a_payload_over_the_limit_is_refused() -> None:
    header = Header(AdbCommand.WRTE, 1, 1, MAX_PAYLOAD_BYTES + 1, 0)
    with pytest.raises(BadPacket, match=str(MAX_PAYLOAD_BYTES + 1)):
        parse_header(header.pack())


def test_an_unknown_command_is_refused() -> None:
    stls = int.from_bytes(b"STLS", "little")
    packed = struct.pack("<6I", stls, 0, 0, 0, 0, stls ^ 0xFFFFFFFF)
    assert len(packed) == HEADER_BYTES
    with pytest.raises(BadPacket, match="unknown command"):
        parse_header(packed)


def test_the_checksum_is_the_sum_of_the_bytes() -> None:
    assert checksum(b"\x01\xff\x10") == 0x110

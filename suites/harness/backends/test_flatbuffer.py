"""Whatever a damaged buffer says, nothing is read outside of it, and little of it."""

from __future__ import annotations

import struct

import pytest

from harness.backends.flatbuffer import DAMAGE, Table


def buffer(field: bytes) -> bytes:
    """One table of one field of four bytes, and what follows it."""
    return struct.pack("<IHHHHi", 12, 6, 8, 4, 0, 8) + field


def test_a_field_is_read_and_an_absent_one_has_its_default() -> None:
    table = Table.root(buffer(struct.pack("<i", -7)))
    assert (table.number(0, "<i"), table.number(1, "<i", 3)) == (-7, 3)
    assert (table.table(1), table.tables(1), table.content(1)) == (None, [], b"")


def test_lists_and_texts_are_read() -> None:
    numbers = Table.root(buffer(struct.pack("<IIii", 4, 2, 5, -6)))
    assert numbers.numbers(0, "<i") == (5, -6)
    assert Table.root(buffer(struct.pack("<II", 4, 3) + b"abc")).text(0) == "abc"


@pytest.mark.parametrize("position", [12, 1 << 20, 1 << 63, 1 << 70])
def test_a_table_outside_of_its_buffer_is_damage(position: int) -> None:
    with pytest.raises(DAMAGE):
        Table(b"\x7f" * 12, position).number(0, "<I")


def test_a_table_before_its_buffer_is_damage() -> None:
    with pytest.raises(DAMAGE, match="a table begins with -"):
        Table(struct.pack("<i", 100) + b"x" * 200, 0).number(0, "<I")


@pytest.mark.parametrize("length", [3, 1 << 20, (1 << 32) - 1])
def test_a_list_or_text_beyond_its_buffer_is_damage(length: int) -> None:
    table = Table.root(buffer(struct.pack("<II", 4, length) + b"xx"))
    for read in (table.tables, table.content, lambda field: table.numbers(field, "<i")):
        with pytest.raises(DAMAGE, match=f"of {length} (entries|bytes) does not fit"):
            read(0)


def test_a_list_is_no_longer_than_what_is_asked_for() -> None:
    table = Table.root(buffer(struct.pack("<II", 4, 9) + bytes(36)))
    assert len(table.numbers(0, "<i", most=9)) == 9
    with pytest.raises(DAMAGE, match="a list of 9 entries"):
        table.numbers(0, "<i", most=8)
    with pytest.raises(DAMAGE, match="entry 9 of 9"):
        table.entry(0, 9)


def test_a_text_that_is_no_utf_8_is_damage() -> None:
    with pytest.raises(DAMAGE):
        Table.root(buffer(struct.pack("<II", 4, 2) + b"\xff\xfe")).text(0)

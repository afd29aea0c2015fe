"""Shell packets, however the bytes arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.virtual_phone.protocol.shell_service import ShellKind, ShellParser, pack_shell

PACKETS = st.lists(st.tuples(st.sampled_from(ShellKind), st.binary(max_size=30)), max_size=8)


@given(PACKETS, st.integers(1, 50))
def test_packets_are_found_in_pieces_of_any_size(
    packets: list[tuple[ShellKind, bytes]], piece: int
) -> None:
    stream = b"".join(pack_shell(kind, data) for kind, data in packets)
    parser = ShellParser()
    found = [
        packet
        for start in range(0, len(stream), piece)
        for packet in parser.feed(stream[start : start + piece])
    ]
    assert found == packets


def test_half_a_packet_waits_for_the_rest() -> None:
    parser = ShellParser()
    whole = pack_shell(ShellKind.STDOUT, b"hello")
    assert parser.feed(whole[:7]) == []
    assert parser.feed(whole[7:]) == [(ShellKind.STDOUT, b"hello")]

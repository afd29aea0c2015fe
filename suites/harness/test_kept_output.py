"""Output without end: head, tail and a count are kept, and no number of it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import kept_output
from harness.kept_output import KeptOutput, last_lines, read_kept

HEAD, TAIL = 12, 9


@pytest.fixture(autouse=True, scope="module")
def short() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_output, "HEAD_BYTES", HEAD)
        patch.setattr(kept_output, "TAIL_BYTES", TAIL)
        yield


@given(st.lists(st.tuples(st.integers(0, 15), st.binary(max_size=40)), max_size=6))
def test_what_is_kept_and_what_is_left_out_are_all_that_was_printed(
    parts: list[tuple[int, bytes]],
) -> None:
    """Parts come one behind the other, or with gaps that nobody could read in time."""
    output, printed = KeptOutput(), b""
    for gap, part in parts:
        printed += b"?" * gap
        output.add(part, len(printed))
        printed += part

    content = output.content()

    before, marked, after = content.partition(b" bytes left out ...\n")
    if not marked:
        assert content == printed
        return
    head, _, count = before.rpartition(b"\n... ")
    assert printed.startswith(head)
    assert printed.endswith(after)
    assert len(head) + int(count) + len(after) == len(printed)
    assert len(head) <= HEAD
    assert len(after) <= TAIL


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        (b"", ""),
        (b"a" * 21, "a" * 21),
        (b"a" * 22, "a" * 12 + "\n... 1 bytes left out ...\n" + "a" * 9),
        (
            b"tokens: 7\ntokens: 8765\nms: 4321\nend\n",
            "tokens: 7\n\n... 22 bytes left out ...\nend\n",
        ),
    ],
    ids=["nothing", "as much as fits", "no newline", "lines"],
)
def test_a_file_is_read_as_far_as_it_is_kept(tmp_path: Path, printed: bytes, kept: str) -> None:
    (tmp_path / "log").write_bytes(printed)
    assert read_kept(tmp_path / "log") == kept


def test_a_sentence_holds_no_megabyte_without_a_newline() -> None:
    assert len("".join(last_lines("x" * 1_000_000 + "\nend"))) <= 8000
    assert last_lines("1\n2\n3") == ["1", "2", "3"]

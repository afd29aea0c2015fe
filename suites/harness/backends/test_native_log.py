"""What native code writes is kept, whichever stream it takes, and the stream is given back."""

from __future__ import annotations

import ctypes
import os

import pytest

from harness.backends.qnn.native_log import STDERR, STDOUT, captured_native_log, worth_reading


@pytest.mark.parametrize("descriptor", [STDOUT, STDERR])
def test_lines_are_kept_and_the_stream_given_back(descriptor: int) -> None:
    before = os.fstat(descriptor)
    with captured_native_log(descriptor) as lines:
        os.write(descriptor, b"from C\nand more\n")
    assert lines == ["from C", "and more"]
    assert os.path.samestat(os.fstat(descriptor), before)


def test_what_c_holds_in_its_buffer_belongs_to_the_block_that_wrote_it() -> None:
    libc = ctypes.CDLL(None)
    with captured_native_log(STDOUT) as lines:
        libc.printf(b"from printf\n")
    with captured_native_log(STDOUT) as after:
        pass
    assert (lines, after) == (["from printf"], [])


def test_a_block_that_fails_keeps_its_lines_too() -> None:
    def fail() -> None:
        os.write(STDERR, b"the reason\n")
        raise ValueError("broken")

    with captured_native_log() as lines, pytest.raises(ValueError, match="broken"):
        fail()
    assert lines == ["the reason"]


def test_chatter_is_left_out() -> None:
    assert worth_reading(["[INFO] [Qnn ExecuTorch]: hello", "", "LIBNATIVE: no", "failed"]) == [
        "failed"
    ]

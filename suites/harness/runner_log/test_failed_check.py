"""A runner that ended itself is told by what it said last, as upstream's C++ prints it."""

from __future__ import annotations

import pytest

from harness.runner_log.failed_check import why_it_ended

STAMP = "00:00:00.216001"


def logged(level: str, source: str, message: str) -> str:
    return f"{level} {STAMP} executorch:{source}] {message}"


CHECK = logged(
    "F",
    "multimodal_runner.cpp:504",
    "In function generate(), assert failed (cur_pos_ + num_prompt_tokens < seq_len): sequence "
    "length exceeded - please increase the seq_len value",
)
BARE = logged("F", "result.h:170", "In function CheckOk(), assert failed: hasValue_")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            [logged("I", "a.cpp:1", "creating io_memory"), CHECK],
            "sequence length exceeded - please increase the seq_len value (its check "
            "cur_pos_ + num_prompt_tokens < seq_len failed)",
        ),
        # A full buffer of standard output ends in front of it.
        (
            ['PyTorchObserver {"prefill_token_per_sec":125,"inf' + CHECK],
            "sequence length exceeded - please increase the seq_len value (its check "
            "cur_pos_ + num_prompt_tokens < seq_len failed)",
        ),
        # A condition has parentheses of its own.
        (
            [
                logged(
                    "F",
                    "q.cpp:197",
                    "In function start_multimodal_runner(), assert failed "
                    "(!FLAGS_image_path.empty()): For VLM, please specify image path.",
                )
            ],
            "For VLM, please specify image path. (its check !FLAGS_image_path.empty() failed)",
        ),
        # Of Android's log.
        (
            [logged("F", "logcat:0", CHECK.partition("] ")[2])],
            "sequence length exceeded - please increase the seq_len value (its check "
            "cur_pos_ + num_prompt_tokens < seq_len failed)",
        ),
        # Without a text of its own, the errors before it say more.
        (
            [
                logged("E", "mmap_data_loader.cpp:89", "Failed to open gone.pte: No such file (2)"),
                logged("E", "encoder.cpp:35", "Failed to load encoder method"),
                BARE,
            ],
            "Failed to open gone.pte: No such file (2); Failed to load encoder method; its check "
            "hasValue_ failed in CheckOk()",
        ),
        ([BARE], "its check hasValue_ failed in CheckOk()"),
        # Messages are cut at 255 bytes.
        (
            [logged("F", "a.h:1", "In function f(), assert failed (a.size() == b.si")],
            "its check a.size() == b.si failed in f()",
        ),
        (
            [
                "terminate called after throwing an instance of 'std::length_error'",
                "  what():  vector::reserve",
            ],
            "it threw std::length_error: vector::reserve",
        ),
        (["terminate called after throwing an instance of 'int'"], "it threw int"),
        (["loading", "error: The prompt takes 900 tokens."], "The prompt takes 900 tokens."),
        ([logged("E", "a.cpp:1", "Failed to open x")], None),
        (["an answer about In function f(), assert failed (x): y"], None),
        ([], None),
    ],
)
def test_what_it_said_last(lines: list[str], told: str | None) -> None:
    assert why_it_ended("\n".join(lines)) == told

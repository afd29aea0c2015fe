"""How a prompt is cut into passes, and which prompts are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.runtime.phases import chunks
from harness.runtime.prompt_limit import check_prompt_fits


@given(prompt_tokens=st.integers(1, 300), ar=st.integers(1, 64))
def test_passes_cover_the_prompt_and_only_the_last_is_short(prompt_tokens: int, ar: int) -> None:
    passes = list(chunks(prompt_tokens, ar))
    assert [start for start, _ in passes] == list(range(0, prompt_tokens, ar))
    assert sum(count for _, count in passes) == prompt_tokens
    assert all(count == ar for _, count in passes[:-1])
    assert len(passes) == 1 + (prompt_tokens - 1) // ar
    assert passes[-1][1] == 1 + (prompt_tokens - 1) % ar


@given(
    prompt_tokens=st.integers(1, 300),
    n_past=st.integers(0, 300),
    seq_len=st.integers(1, 256),
    prefill_ar=st.integers(1, 64),
)
def test_a_prompt_is_refused_exactly_where_upstream_aborts(
    prompt_tokens: int, n_past: int, seq_len: int, prefill_ar: int
) -> None:
    total = n_past + prompt_tokens
    fits = total < seq_len and total <= 256 - prefill_ar
    try:
        check_prompt_fits(prompt_tokens, n_past, seq_len, 256, prefill_ar)
    except UserError:
        assert not fits
    else:
        assert fits


def test_the_refusal_names_the_numbers_and_the_cure() -> None:
    with pytest.raises(UserError, match=r"takes 241 tokens, but the context of 256 holds 240"):
        check_prompt_fits(241, 0, 256, 256, 16)
    with pytest.raises(UserError, match=r"20 tokens after 100 .*--seq_len 110 leaves room for 9"):
        check_prompt_fits(20, 100, 110, 256, 16)

"""Files of any other shape are refused in one sentence, before anything is computed from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.runtime.geometry import (
    DecoderGeometry,
    check_arity,
    check_decoder,
    check_embedding,
    check_encoder,
    read_geometry,
)
from harness.runtime.program_file import Signature, TensorSpec

DECODER = DecoderGeometry(
    layers=1,
    kv_heads=1,
    head_dim=2,
    hidden_size=4,
    vocab_size=8,
    context_length=6,
    decode_ar=1,
    prefill_ar=1,
    kv_dtype="uint8",
    mask_dtype="uint16",
    logits_dtype="uint16",
)
TENSORS = st.builds(
    TensorSpec,
    st.lists(st.integers(0, 8), max_size=5).map(tuple),
    st.sampled_from(["float32", "uint8", "uint16", "int32", "ScalarType 5"]),
)


def signature(inputs: list[TensorSpec], outputs: list[TensorSpec]) -> Signature:
    return Signature(Path("theirs.pte"), "forward", tuple(inputs), tuple(outputs))


@given(st.lists(TENSORS, max_size=2), st.lists(TENSORS, max_size=2))
def test_no_encoder_or_embedding_is_too_strange_to_be_refused(
    inputs: list[TensorSpec], outputs: list[TensorSpec]
) -> None:
    with pytest.raises(UserError, match=r"theirs\.pte"):
        check_encoder(signature(inputs, outputs), DECODER)
    with pytest.raises(UserError, match=r"theirs\.pte"):
        check_embedding(signature(inputs, outputs), DECODER, ar=3)


@given(st.lists(TENSORS, min_size=5, max_size=5), st.lists(TENSORS, min_size=3, max_size=3))
def test_no_decoder_is_too_strange_to_be_refused(
    inputs: list[TensorSpec], outputs: list[TensorSpec]
) -> None:
    """The right number of tensors, and nothing else right."""
    decoder = signature(inputs, outputs)

    def check() -> None:
        check_arity(decoder, layers=1)
        geometry = read_geometry(decoder, decoder, layers=1)
        check_decoder(decoder, geometry, geometry.decode_ar)

    with pytest.raises(UserError, match=r"theirs\.pte"):
        check()


def test_what_fits_is_taken() -> None:
    rows = TensorSpec((1, 5, 4), "float32")
    check_encoder(signature([TensorSpec((1, 3, 8, 8), "float32")], [rows]), DECODER)
    check_embedding(signature([TensorSpec((1, 5), "int64")], [rows]), DECODER, ar=5)


@pytest.mark.parametrize("outputs", [[(1, 5)], [(5,)], []])
def test_an_encoder_without_rows_is_named(outputs: list[tuple[int, ...]]) -> None:
    encoder = signature(
        [TensorSpec((1, 3, 8, 8), "float32")], [TensorSpec(one, "float32") for one in outputs]
    )
    with pytest.raises(UserError, match=r"forward of theirs\.pte (is \[|has 1 inputs)"):
        check_encoder(encoder, DECODER)


@pytest.mark.parametrize(
    ("step", "positions", "slots"),
    [(None, 1, 5), (2, 1, 2), (2, 2, 2), (2, 3, 4), (2, 5, 5), (2, 9, 5), (64, 1, 5)],
)
def test_a_cache_is_as_long_as_its_positions_need_in_whole_steps(
    step: int | None, positions: int, slots: int
) -> None:
    assert replace(DECODER, cache_step=step).slots_for(positions, ar=1) == slots


@pytest.mark.parametrize("step", [0, -64])
def test_steps_that_lead_nowhere_are_refused(step: int) -> None:
    tensors = [TensorSpec((1, 1, 1, 6), "float32")] * 5
    method = signature(tensors, tensors)
    with pytest.raises(UserError, match=f"get_cache_step of theirs.pte is {step} and not above 0"):
        read_geometry(method, method, 1, step)

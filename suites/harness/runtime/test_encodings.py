"""A decoder's encodings are read whole, for the right tensors, or the file is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.runtime.encodings import (
    IDENTITY,
    CacheEncodings,
    Constant,
    DecoderEncodings,
    Encoding,
    identity_encodings,
    read_encodings,
)
from harness.runtime.program_description import ProgramDescription
from suites.harness.runtime.handmade_program import (
    Interface,
    requantized_metadata,
    save_decoder,
    shared_metadata,
)

PREFILL = CacheEncodings(
    keys=(Encoding(0.5, 10), Encoding(0.25, 20)), values=(Encoding(0.125, 30), Encoding(1.0, 40))
)
DECODE = CacheEncodings(
    keys=(Encoding(0.4, 11), Encoding(0.2, 21)), values=(Encoding(0.1, 31), Encoding(0.8, 41))
)
LOGITS = {"get_logits_scale": 0.01, "get_logits_zero_point": 300}


class File:
    """Constant methods without a file."""

    path = Path("decoder.pte")

    def __init__(self, constants: Mapping[str, object]) -> None:
        self._constants = constants
        self.method_names = frozenset(constants)

    def constants(self, name: str) -> tuple[Constant, ...]:
        value = self._constants[name]
        return tuple(value) if isinstance(value, list) else (value,)  # type: ignore[return-value]


def read(constants: Mapping[str, object], *, has_prefill: bool = True) -> DecoderEncodings:
    return read_encodings(File(constants), 2, "uint16", "uint16", has_prefill=has_prefill)


def test_graphs_calibrated_apart_have_encodings_of_their_own() -> None:
    found = read({**requantized_metadata(PREFILL, DECODE), **LOGITS})
    assert found == DecoderEncodings("requantized", PREFILL, DECODE, Encoding(0.01, 300))


def test_one_graph_alone_feeds_its_own_cache() -> None:
    found = read(requantized_metadata(PREFILL, DECODE), has_prefill=False)
    assert (found.prefill, found.decode) == (DECODE, DECODE)
    assert read(requantized_metadata(None, DECODE), has_prefill=False) == found


def test_shared_encodings_count_v_before_k() -> None:
    found = read(shared_metadata(DECODE))
    assert found == DecoderEncodings("shared", DECODE, DECODE, None)


def test_the_requantized_family_decides_where_a_file_has_both() -> None:
    found = read({**requantized_metadata(PREFILL, DECODE), **shared_metadata(DECODE)})
    assert (found.scheme, found.prefill) == ("requantized", PREFILL)


def test_encodings_are_read_from_a_program(tmp_path: Path) -> None:
    constants = {**shared_metadata(PREFILL), **LOGITS, "get_n_layers": 2}
    path = save_decoder(tmp_path / "shared.pte", {"kv_forward": Interface()}, constants)
    found = read_encodings(ProgramDescription.read(path), 2, "uint16", "uint16", has_prefill=True)
    assert found == DecoderEncodings("shared", PREFILL, PREFILL, Encoding(0.01, 300))


def test_a_file_without_metadata_has_a_cache_that_begins_at_0() -> None:
    assert read({}) == DecoderEncodings("none", identity_encodings(2), identity_encodings(2), None)


def test_float_tensors_need_no_encoding() -> None:
    file = File({**requantized_metadata(PREFILL, DECODE), **LOGITS})
    found = read_encodings(file, 2, "float32", "float32", has_prefill=True)
    assert found == DecoderEncodings("none", identity_encodings(2), identity_encodings(2), IDENTITY)


def test_a_measurement_may_leave_the_conversion_out() -> None:
    found = read(requantized_metadata(PREFILL, DECODE)).without_requantization()
    assert (found.prefill, found.decode) == (DECODE, DECODE)


@pytest.mark.parametrize("missing", sorted(requantized_metadata(PREFILL, DECODE)))
def test_a_file_that_needs_requantizing_and_lacks_any_part_is_refused(missing: str) -> None:
    constants = requantized_metadata(PREFILL, DECODE)
    del constants[missing]
    with pytest.raises(
        UserError, match=rf"lacks {missing}, one of 1 missing of 8 values .* requantizing"
    ):
        read(constants)


def test_a_missing_half_is_counted() -> None:
    constants = requantized_metadata(None, DECODE)
    with pytest.raises(UserError, match="lacks get_k_scale_output_0, one of 8 missing of 8"):
        read(constants)


@pytest.mark.parametrize("missing", sorted(shared_metadata(DECODE)))
def test_shared_encodings_must_be_there_for_every_layer(missing: str) -> None:
    constants = shared_metadata(DECODE)
    del constants[missing]
    with pytest.raises(UserError, match=f"lacks {missing}, one of 1 missing of 4"):
        read(constants)


@pytest.mark.parametrize("missing", sorted(LOGITS))
def test_half_an_encoding_of_logits_is_refused(missing: str) -> None:
    constants = {name: value for name, value in LOGITS.items() if name != missing}
    with pytest.raises(UserError, match=f"lacks {missing}"):
        read(constants)


@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [
        (0.0, 3),
        (-0.5, 3),
        (float("nan"), 3),
        (float("inf"), 3),
        (0.5, -1),
        (0.5, 65536),
        (0.5, 0.5),
    ],
)
def test_impossible_encodings_are_refused(scale: float, zero_point: float) -> None:
    with pytest.raises(UserError, match=r"wrong about get_logits_scale \(scale .* 0 to 65535"):
        read({"get_logits_scale": scale, "get_logits_zero_point": zero_point})


def test_a_file_that_describes_its_decode_graph_twice_runs_in_kv_mode_alone() -> None:
    constants = {**requantized_metadata(DECODE, DECODE), **shared_metadata(DECODE)}
    with pytest.raises(UserError, match=r"decode graph for both graphs.*--eval_mode 0"):
        read(constants)
    assert read(constants, has_prefill=False).decode == DECODE

"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from harness.measure.wording import beside_gate, end_in_words, figure, number


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (812.345, "812.3"),
        (110_000_001.0, "110,000,001"),
        (12_345.6, "12,346"),
        (0.0, "0"),
        (1e15, "1e+15"),
        (-1e300, "-1e+300"),
        (math.inf, "inf"),
    ],
)
def test_whole_numbers_keep_their_digits_while_a_person_can_read_them(
    value: float, told: str
) -> None:
    assert number(value) == told


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (2, "ended with exit code 2"),
        (-11, "ended with exit code -11 (Segmentation fault)"),
        (137, "ended with exit code 137 (Killed)"),
        (-1, "ended with exit code -1"),
        (-900, "ended with exit code -900"),
    ],
)
def test_the_signal_that_ended_a_process_is_named(exit_code: int, words: str) -> None:
    assert end_in_words(exit_code) == words


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (92.345, "token/s", ("92.34", "token/s")),
        (0.0, "byte", ("0", "byte")),
        (1023.0, "byte", ("1,023", "byte")),
        (1024.0, "byte", ("1", "KiB")),
        (198_656.0, "byte", ("194", "KiB")),
        (1_048_575.0, "byte", ("1", "MiB")),
        (4_294_967_295.0, "byte", ("4", "GiB")),
        (2.0**50, "byte", ("1,024", "TiB")),
        (-1_952_640.0, "byte", ("-1.862", "MiB")),
        (math.nan, "byte", ("nan", "byte")),
        (math.inf, "byte", ("inf", "byte")),
    ],
)
def test_bytes_are_told_in_the_unit_that_people_read_them_in(
    value: float, unit: str, told: tuple[str, str]
) -> None:
    assert figure(value, unit) == told


@pytest.mark.parametrize(
    ("value", "gate", "unit", "told"),
    [
        (339_072.0, (None, 2.0**32 - 1), "byte", ("331.1 KiB", "", "4 GiB")),
        (2.0**32, (None, 2.0**32 - 1), "byte", ("4,294,967,296 byte", "", "4,294,967,295 byte")),
        (2.0**32 - 1, (None, 2.0**32 - 1), "byte", ("4 GiB", "", "4 GiB")),
        (None, (0.0, None), "byte", ("", "0 byte", "")),
        (0.99999, (1.0, None), "share", ("0.99999", "1", "")),
        (96.54321, (100.0, 110.0), "token/s", ("96.54", "100", "110")),
    ],
)
def test_a_value_stands_beside_its_gate(
    value: float | None,
    gate: tuple[float | None, float | None],
    unit: str,
    told: tuple[str, str, str],
) -> None:
    assert beside_gate(value, *gate, unit) == told

"""CSV reads back exactly, whoever reads it, and no text of it is a formula to a spreadsheet."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from harness.results.spreadsheet import guarded, plain, write_frame, write_rows

FORMULAS = [
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil","x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\ufeff=1",
    "\u200b=1",
    "\u00a0=1",
    "\x00=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20a",
    "-",
    "-5",
]

OTHERS = [
    "'quoted'",
    "''",
    "'=1",
    "a=1",
    "red",
    "007",
    "None",
    'say "yes",\nor no',
    "a\rb",
    "\r",
    "a\r\nb\n\rc",
    "a\x0bb",
    "a\x0cb",
    "a\x85b",
    "a\u2028b\u2029c",
    "a\x00b",
    '"',
    '""',
    ",",
    "\ufeffa",
    " a ",
    "\x1b[31m",
    "a\\",
    "\U0001f600",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_takes_a_text_for_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", [*FORMULAS, *OTHERS])
def test_a_text_is_what_it_was_before(text: str) -> None:
    assert plain(guarded(text)) == text


@pytest.mark.parametrize("text", ["red", "a=1", "007", "2 - 1", "x@y"])
def test_a_text_that_is_no_formula_stays_as_it_is(text: str) -> None:
    assert guarded(text) == text


def test_csv_and_pandas_read_back_the_same_rows() -> None:
    texts = [*FORMULAS, *OTHERS]
    file = io.StringIO(newline="")
    write_rows([["text", "value", "missing"], *([text, -1.5, None] for text in texts)], file)
    content = file.getvalue()
    _, *rows = csv.reader(io.StringIO(content, newline=""))
    assert [(plain(text), value, missing) for text, value, missing in rows] == [
        (text, "-1.5", "") for text in texts
    ]
    for engine in ("c", "python"):
        frame = pd.read_csv(
            io.StringIO(content, newline=""), engine=engine, dtype={"text": "string"},
            keep_default_na=False, na_values={"missing": [""]},
        )  # fmt: skip
        assert frame["text"].map(plain).tolist() == texts
        assert frame["value"].tolist() == [-1.5] * len(texts)
        assert frame["missing"].isna().all()


def test_a_frame_keeps_its_values_and_leaves_missing_ones_empty() -> None:
    frame = pd.DataFrame(
        {
            "text": pd.array(["=1", None, "a\rb"], dtype="string"),
            "value": pd.array([-0.1, None, float("inf")], dtype="Float64"),
            "count": pd.array([1, None, -3], dtype="Int64"),
            "is_good": pd.array([True, None, False], dtype="boolean"),
            "at": pd.to_datetime(["2026-11-29T04:00:00.5+00:00", None, None], utc=True),
        }
    )
    file = io.StringIO(newline="")
    write_frame(frame, file)
    rows = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert rows == [
        ["text", "value", "count", "is_good", "at"],
        ["'=1", "-0.1", "1", "True", "2026-11-29 04:00:00.500000+00:00"],
        ["", "", "", "", ""],
        ["a\rb", "inf", "-3", "False", ""],
    ]

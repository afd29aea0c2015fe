"""Ladders as pictures."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.results.rows.ladder import LadderRow
from reports.ladders import HEIGHT, LEFT, WIDTH, ladder_pictures, told

ROW: dict[str, Any] = {
    "test_id": "suites/accuracy/test_ladder.py::test_it",
    "model": "tiny_smolvlm",
    "target": "host",
    "mode": "hybrid",
    "precision": "fp32",
    "before": "float transformers",
    "behind": "float modules",
    "place": 0,
    "signal": "pixels",
    "turn": 0,
    "sqnr_db": 120.0,
    "channel_db": 110.0,
    "cosine": 1.0,
    "largest_error": 1e-6,
    "least_db": 80.0,
    "least_channel_db": 60.0,
    "kept": True,
}


def row(**changed: Any) -> LadderRow:
    return LadderRow(**{**ROW, **changed})


def test_a_picture_has_a_line_per_stage_in_pieces_per_part() -> None:
    decoder = {"component": "text_decoder", "signal": "keys"}
    rows = [
        row(),
        row(place=1, layer=0, **decoder),
        row(place=2, layer=1, **decoder),
        row(place=3, turn=1),
        row(behind=".pte on CPU", before="float modules", place=1, layer=0, **decoder),
    ]
    (picture,) = ladder_pictures(rows)
    assert [line.stage for line in picture.lines] == ["float modules", ".pte on CPU"]
    assert [len(piece) for piece in picture.lines[0].pieces] == [1, 2, 1]
    names = [stretch.name for stretch in picture.stretches]
    assert names == ["pixels", "text decoder", "pixels, turn 2"]
    assert picture.drop is None


def test_artifacts_have_a_picture_each() -> None:
    pictures = ladder_pictures([row(), row(model="tiny_internvl3"), row(place=1)])
    assert [picture.name.partition(" ")[0] for picture in pictures] == [
        "tiny_smolvlm",
        "tiny_internvl3",
    ]


def test_the_first_signal_that_is_lost_is_named() -> None:
    lost = {"sqnr_db": 12.3, "channel_db": 1.0, "kept": False, "component": "text_decoder"}
    rows = [row(), row(place=1, signal="values", layer=4, turn=1, **lost), row(place=2, **lost)]
    (picture,) = ladder_pictures(rows)
    assert picture.drop == (
        "between float transformers and float modules, in the text decoder: values of layer 4 in "
        "turn 2: 12.3 dB, at least 80, worst channel 1.0 dB"
    )
    assert len(picture.lost) == 2


@pytest.mark.parametrize("decibel", [math.inf, -math.inf, math.nan, 300.0, -50.0])
def test_whatever_is_measured_lies_within_the_picture(decibel: float) -> None:
    (picture,) = ladder_pictures([row(sqnr_db=decibel, kept=False)])
    (point,) = picture.lines[0].points
    assert LEFT < point.x < WIDTH
    assert 0 < point.y < HEIGHT


def test_what_is_equal_is_told_so() -> None:
    assert told(row(sqnr_db=math.inf)) == "pixels: equal, at least 80"

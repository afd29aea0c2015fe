"""Ladders as pictures: what each stage keeps of each signal, along the flow of data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.results.rows.ladder import LadderRow
from reports.wording import subject_words

WIDTH, HEIGHT = 960.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 8.0, 10.0, 30.0
_HIGHEST_DB, _LOWEST_DB = 140.0, -10.0
"""Of the scale: what is equal is drawn at its top, and what is lost altogether at its bottom."""

MARKS_DB = (0, 40, 80, 120)


@dataclass(frozen=True)
class Point:
    """One signal of one stage.

    Attributes:
        x: In units of the view box.
        y: The same.
        told: For whoever points at it.
        is_kept: Whether the stage keeps it.
    """

    x: float
    y: float
    told: str
    is_kept: bool


@dataclass(frozen=True)
class StageLine:
    """What one stage keeps, along the flow of data; a piece for each part of the model."""

    stage: str
    number: int
    pieces: tuple[tuple[Point, ...], ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """Of all pieces."""
        return tuple(point for piece in self.pieces for point in piece)

    @property
    def paths(self) -> tuple[str, ...]:
        """Of SVG polylines."""
        return tuple(
            " ".join(f"{point.x:.1f},{point.y:.1f}" for point in piece) for piece in self.pieces
        )


@dataclass(frozen=True)
class Stretch:
    """Neighbouring signals of one part of the model in one turn."""

    name: str
    left: float
    width: float


@dataclass(frozen=True)
class LadderPicture:
    """The ladder of one artifact.

    Attributes:
        name: Whose it is.
        lines: A line per stage, the first stage first.
        stretches: What lies where on the way.
        drop: Where the first signal is lost, in words; None where all are kept.
        lost: Signals that are not kept, the first ones first.
    """

    name: str
    lines: tuple[StageLine, ...]
    stretches: tuple[Stretch, ...]
    drop: str | None
    lost: tuple[LadderRow, ...]


def ladder_pictures(rows: Sequence[LadderRow]) -> tuple[LadderPicture, ...]:
    """One picture per artifact and mode, in the order of their first rows."""
    by_artifact: dict[tuple[str | None, ...], list[LadderRow]] = {}
    for row in rows:
        whose = (row.test_id, row.model, row.target, row.mode, row.precision, row.artifact_key)
        by_artifact.setdefault(whose, []).append(row)
    return tuple(map(_picture, by_artifact.values()))


def _picture(rows: Sequence[LadderRow]) -> LadderPicture:
    last = max(row.place for row in rows)
    stages = list(dict.fromkeys(row.behind for row in rows))
    lost = tuple(row for row in rows if not row.kept)
    return LadderPicture(
        name=f"{rows[0].model} · {subject_words(rows[0])}",
        lines=tuple(
            StageLine(stage, number, _pieces([row for row in rows if row.behind == stage], last))
            for number, stage in enumerate(stages)
        ),
        stretches=tuple(_stretches(rows, last)),
        drop=_drop(lost[0]) if lost else None,
        lost=lost,
    )


def _pieces(rows: Sequence[LadderRow], last: int) -> tuple[tuple[Point, ...], ...]:
    ordered = sorted(rows, key=lambda row: row.place)
    return tuple(
        tuple(Point(_x(row.place, last), _y(row.sqnr_db), told(row), row.kept) for row in piece)
        for _, piece in groupby(ordered, key=_stretch_of)
    )


def _x(place: float, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / (last + 1)


def _y(decibel: float) -> float:
    inside = _LOWEST_DB if math.isnan(decibel) else decibel
    inside = min(max(inside, _LOWEST_DB), _HIGHEST_DB)
    return TOP + (HEIGHT - TOP - BOTTOM) * (_HIGHEST_DB - inside) / (_HIGHEST_DB - _LOWEST_DB)


def marks() -> tuple[tuple[int, float], ...]:
    """Decibels of the scale, and where they are."""
    return tuple((decibel, _y(decibel)) for decibel in MARKS_DB)


def _stretches(rows: Sequence[LadderRow], last: int) -> Iterator[Stretch]:
    by_place = {row.place: row for row in rows}
    ordered = [by_place[place] for place in sorted(by_place)]
    for (turn, part), group in groupby(ordered, key=_stretch_of):
        name = f"{part}, turn {turn + 1}" if turn else part
        places = [row.place for row in group]
        left = _x(places[0] - 0.5, last)
        yield Stretch(name, left, _x(places[-1] + 0.5, last) - left)


def _stretch_of(row: LadderRow) -> tuple[int, str]:
    return row.turn, (row.component or row.signal).replace("_", " ")


def told(row: LadderRow) -> str:
    """``keys of layer 2 in turn 2: 19.1 dB, at least 15``."""
    layer = "" if row.layer is None else f" of layer {row.layer}"
    turn = f" in turn {row.turn + 1}" if row.turn else ""
    found = {math.inf: "equal", -math.inf: "lost"}.get(row.sqnr_db, f"{row.sqnr_db:.1f} dB")
    channel = "" if math.isinf(row.sqnr_db) else f", worst channel {row.channel_db:.1f} dB"
    tokens = "" if row.top1 is None else f", {row.top1:.1%} of best tokens"
    asked = f", at least {row.least_db:g}"
    if row.sqnr_db >= row.least_db and not row.kept:
        channel = f"{channel}, at least {row.least_channel_db:g}"
    return f"{row.signal}{layer}{turn}: {found}{asked}{channel}{tokens}"


def _drop(row: LadderRow) -> str:
    where = (row.component or "runner").replace("_", " ")
    return f"between {row.before} and {row.behind}, in the {where}: {told(row)}"

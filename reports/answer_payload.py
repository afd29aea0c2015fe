"""Cards of answers as data for the page's script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.answer_cards import AnswerCard, AnswerLine
from reports.payload import Payload, yes_or_no


def answer_rows(cards: Sequence[AnswerCard]) -> list[Payload]:
    """Cards of the list of answers."""
    return [
        {
            "id": card.anchor,
            "model": card.model,
            "sample": card.sample_id,
            "kind": card.question_kind,
            "question": card.question,
            "expected": card.expected,
            "wrong": yes_or_no(bool(card.wrong_answers)),
            "blind": yes_or_no(card.ignores_image),
            "differ": yes_or_no(card.disagrees),
            "blocks": [
                {
                    "variant": block.variant,
                    "image": block.image,
                    "columns": [
                        {"source": column.source, "lines": [_answer(line) for line in column.lines]}
                        for column in block.columns
                    ],
                }
                for block in card.blocks
            ],
        }
        for card in cards
    ]


def _answer(line: AnswerLine) -> Payload:
    pieces = [
        piece
        for word in line.words
        for piece in ([word.text, int(word.differs)], [word.space, None])
        if piece[0]
    ]
    return {"who": list(line.who), "mark": line.mark, "words": _merged(pieces)}


def _merged(pieces: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Neighbours that are alike in one piece; a space (None) is marked between marked words."""
    merged: list[list[Any]] = []
    for (text, differs), (_, following) in zip(pieces, [*pieces[1:], ("", 0)], strict=True):
        marked = differs if differs is not None else int(bool(merged[-1][1] and following))
        if merged and merged[-1][1] == marked:
            merged[-1][0] += text
        else:
            merged.append([text, marked])
    return merged

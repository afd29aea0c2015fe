"""Answers are grouped so that whoever deviates stands out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reports.answer_cards import answer_cards
from reports.words import compare_words
from suites.harness.reports.small_run import answer_row


def test_answers_stand_side_by_side_by_where_they_were_given() -> None:
    rows = [
        answer_row(),
        answer_row(target="emulator", soc="SM8650"),
        answer_row(target="phone", soc="SM8650", given="blue", correct=False),
    ]
    [card] = answer_cards(rows).cards
    assert [column.source for column in card.blocks[0].columns] == [
        "float",
        "host",
        "emulator",
        "phone",
    ]
    assert card.disagrees
    assert card.wrong_answers == 1


def test_equal_answers_share_a_line_and_a_deviating_one_has_its_own() -> None:
    rows = [
        answer_row(),
        answer_row(mode="lookahead"),
        answer_row(mode="hybrid", given="blue", correct=False),
    ]
    [card] = answer_cards(rows).cards
    [_, host] = card.blocks[0].columns
    assert [(line.who, line.mark) for line in host.lines] == [
        (("kv · 8da4w", "lookahead · 8da4w"), "right"),
        (("hybrid · 8da4w",), "wrong"),
    ]


def test_without_its_image_a_right_answer_is_suspicious() -> None:
    rows = [
        answer_row(),
        answer_row(variant="blank", given="red", correct=True),
        answer_row(variant="swapped", given="blue", correct=False),
    ]
    [card] = answer_cards(rows).cards
    assert [block.variant for block in card.blocks] == ["real", "blank", "swapped"]
    marks = [block.columns[-1].lines[0].mark for block in card.blocks]
    assert marks == ["right", "still right", "changed"]
    assert card.ignores_image
    assert card.wrong_answers == 0


def test_cards_are_never_split_by_the_cap() -> None:
    rows = [
        answer_row(sample_id=f"s{index}", mode=mode)
        for index in range(4)
        for mode in ("kv", "hybrid")
    ]
    cards = answer_cards(rows, limit=5)
    assert [card.answers for card in cards.cards] == [2, 2]
    assert (cards.shown, cards.hidden) == (4, 4)


def test_wrong_answers_left_out_are_counted() -> None:
    rows = [answer_row(sample_id=f"s{index}", given="blue", correct=False) for index in range(5)]
    cards = answer_cards(rows, limit=3)
    assert (cards.shown, cards.hidden, cards.hidden_wrong) == (3, 2, 2)


def test_only_words_that_differ_are_marked() -> None:
    words = compare_words(
        "A red circle, left of\nthe green square.", "a red circle left of the blue square"
    )
    assert [word.text for word in words if word.differs] == ["green"]


@given(text=st.text(), wanted=st.text())
def test_comparing_loses_no_word(text: str, wanted: str) -> None:
    words = compare_words(text, wanted)
    assert "".join(word.text + word.space for word in words) == text.lstrip()
    assert not any(word.differs for word in compare_words(text, text))

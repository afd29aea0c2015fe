"""Answers are grouped so that whoever deviates stands out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.answer_cards import answer_cards, compare_words
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
    assert (card.differ, card.wrong) == ("yes", "yes")


def test_targets_that_no_package_here_knows_stand_behind_those_that_are_known() -> None:
    """Rows outlive the package that measured them; rows of a unit test name no target."""
    rows = [answer_row(target=name) for name in (None, "removed", "phone", "host")]
    [card] = answer_cards(rows).cards
    sources = [column.source for column in card.blocks[0].columns]
    assert sources == ["float", "host", "phone", "removed", "unknown"]


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


def test_an_empty_answer_has_a_line_without_words() -> None:
    [card] = answer_cards([answer_row(given="", correct=False)]).cards
    [line] = card.blocks[0].columns[-1].lines
    assert (line.mark, line.words) == ("wrong", ())


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
    assert (card.blind, card.wrong) == ("yes", "no")


def test_cards_are_never_split_by_the_cap() -> None:
    rows = [
        answer_row(sample_id=f"s{index}", mode=mode)
        for index in range(4)
        for mode in ("kv", "hybrid")
    ]
    cards = answer_cards(rows, limit=5)
    assert [card.sample for card in cards.cards] == ["s0", "s1"]
    assert (cards.shown, cards.hidden) == (4, 4)


def test_wrong_answers_left_out_are_counted() -> None:
    rows = [answer_row(sample_id=f"s{index}", given="blue", correct=False) for index in range(5)]
    cards = answer_cards(rows, limit=3)
    assert (cards.shown, cards.hidden, cards.hidden_wrong) == (3, 2, 2)


def test_only_words_that_differ_are_marked() -> None:
    words = compare_words(
        "A red circle, left of\nthe green square.", "a red circle left of the blue square"
    )
    assert words == (("A red circle, left of\nthe ", 0), ("green", 1), (" square.", 0))


@given(text=st.text(), wanted=st.text())
def test_comparing_loses_no_word(text: str, wanted: str) -> None:
    pieces = compare_words(text, wanted)
    assert "".join(piece.text for piece in pieces) == text.lstrip()
    assert all(one.differs != other.differs for one, other in pairwise(pieces))
    assert not any(piece.differs for piece in compare_words(text, text))


def test_an_answer_that_has_to_name_something_is_marked_by_what_it_lacks() -> None:
    golden = {"question_kind": "golden", "expected": "red circle, digit two, blue cross"}
    told = "Above the digit TWO, said nobody, is a red  circle."
    [card] = answer_cards([answer_row(given=told, correct=False, reference="red", **golden)]).cards
    [reference, host] = card.blocks[0].columns
    assert host.lines[0].words == ((told, 0),)
    assert host.lines[0].missing == ("blue cross",)
    assert reference.lines[0].missing == ("red circle", "digit two", "blue cross")
    assert card.names

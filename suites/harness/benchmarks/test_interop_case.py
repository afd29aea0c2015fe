"""Answers of two sides are compared, and what should hold is said where it does not."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from benchmarks.interop.answers import (
    Agreement,
    FirstDifference,
    GeneratedAnswer,
    agree,
    correct_share,
)
from benchmarks.interop.case import Case, Correct, faults, tables
from benchmarks.interop.contract import ContractDifference
from benchmarks.interop.exports import ProcessCost
from benchmarks.interop.ways import Ways, way_tables

SAME = Agreement(identical=1.0, tokens=1.0, differences=())
PARTED = replace(SAME, differences=(FirstDifference("scene-1", 4, 2.0),))
SAID = {"a": GeneratedAnswer((1, 2), (1.0, 1.0), "Two.")}
WAYS = Ways(ours=SAID, upstream=SAID, upstream_loop=SAME, expected={"a": "Two."})
GOOD = Case(
    model="tiny_smolvlm",
    mode="hybrid",
    upstream_cost=ProcessCost(wall_s=100.0, cpu_s=90.0, peak_rss_mib=1000.0, exit_code=0),
    our_cost=ProcessCost(wall_s=60.0, cpu_s=55.0, peak_rss_mib=900.0, exit_code=0),
    bytes_by_component={"text_decoder": (1000, 900)},
    differences=(),
    token_loop=SAME,
    chunk_loop=SAME,
    leaks=(0, 0),
    upstream_against_ours=SAME,
    mixed_against_ours=SAME,
    correct=Correct(upstream=0.5, ours=1.0, mixed=1.0),
    ways=WAYS,
)


def answer(*token_ids: int, text: str = "") -> GeneratedAnswer:
    return GeneratedAnswer(token_ids, tuple(10.0 * token for token in token_ids), text)


def test_the_first_difference_comes_with_how_close_the_reference_was() -> None:
    found = agree({"a": answer(1, 2, 3), "b": answer(4)}, {"a": answer(1, 5, 3), "b": answer(4)})

    assert found.identical == 0.5
    assert found.tokens == pytest.approx((2 / 3 + 1) / 2)
    assert found.differences == (FirstDifference("a", 1, 50.0),)


def test_a_longer_answer_parts_beyond_the_reference() -> None:
    found = agree({"a": answer(1, 2)}, {"a": answer(1)})

    assert found.differences == (FirstDifference("a", 1, None),)


def test_answers_to_other_questions_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="asked"):
        agree({"a": answer(1)}, {"b": answer(1)})


def test_right_answers_are_counted_by_their_text() -> None:
    answers = {"a": answer(1, text="Two."), "b": answer(2, text="Three.")}

    assert correct_share(answers, {"a": "Two.", "b": "Two."}) == 0.5


def test_a_good_case_has_no_faults() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("cost", "word"),
    [
        (ProcessCost(81.0, 55.0, 900.0, 0), "wall time"),
        (ProcessCost(60.0, 55.0, 1001.0, 0), "peak memory"),
    ],
)
def test_a_hybrid_export_is_bound_by_upstreams_cost(cost: ProcessCost, word: str) -> None:
    (fault,) = faults(replace(GOOD, our_cost=cost))

    assert word in fault
    assert faults(replace(GOOD, our_cost=cost, mode="kv")) == []


@pytest.mark.parametrize("loop", ["token_loop", "chunk_loop"])
def test_a_token_that_a_plain_loop_does_not_say_is_a_fault(loop: str) -> None:
    (fault,) = faults(replace(GOOD, **{loop: PARTED}))

    assert "token 4 of scene-1" in fault
    assert faults(replace(GOOD, upstream_against_ours=PARTED)) == []


def test_a_graph_that_disobeys_its_mask_is_held_against_equal_chunks_alone() -> None:
    disobedient = replace(GOOD, leaks=(4649, 0))

    assert faults(replace(disobedient, token_loop=PARTED)) == []
    assert len(faults(replace(disobedient, chunk_loop=PARTED))) == 1


def test_our_own_prefill_must_obey_its_mask() -> None:
    (fault,) = faults(replace(GOOD, leaks=(0, 7)))

    assert "7 codes" in fault


def test_kv_mode_has_neither_chunks_nor_leaks() -> None:
    kv = replace(GOOD, mode="kv", chunk_loop=None, leaks=None)

    assert faults(kv) == []
    assert len(faults(replace(kv, token_loop=PARTED))) == 1
    *_, leaks, answers = tables([kv])
    assert (leaks.row_count, answers.row_count) == (0, 4)


def test_other_tensors_are_a_fault_and_other_scales_are_none() -> None:
    tensor = ContractDifference("text_decoder", "kv_forward() input 1", "uint16", "float32", True)
    scale = ContractDifference("text_decoder", "get_logits_scale", "0.1", "0.2", False)

    (fault,) = faults(replace(GOOD, differences=(tensor, scale)))

    assert "kv_forward() input 1 is float32, upstream's is uint16" in fault


def test_every_case_is_in_every_table_that_has_something_to_say_about_it() -> None:
    cost, sizes, contract, leaks, answers = tables([GOOD, GOOD])

    assert (cost.row_count, sizes.row_count, contract.row_count) == (2, 2, 0)
    assert (leaks.row_count, answers.row_count) == (2, 10)


def test_upstreams_way_must_be_that_of_the_plain_loop_with_upstreams_cache() -> None:
    (fault,) = faults(replace(GOOD, ways=replace(WAYS, upstream_loop=PARTED)))

    assert "with --upstream_compat runner and plain loop part at token 4 of scene-1" in fault


def test_both_ways_are_shown_conversation_by_conversation() -> None:
    ours = {"scene": answer(1, text="Two."), "talk": answer(2, text="Red. / Blue.")}
    upstream = {"scene": answer(3, text="Six."), "talk": answer(2, text="Red. / Blue.")}
    ways = Ways(ours, upstream, SAME, expected={"scene": "Two."})
    console = Console(width=140, record=True, file=StringIO())

    shares, conversations = way_tables({"tiny_smolvlm hybrid": ways})
    console.print(shares, conversations)
    shown = console.export_text()

    assert [list(column.cells) for column in shares.columns] == [
        ["tiny_smolvlm hybrid"],
        ["2"],
        ["0.500"],
        ["0.000 of 1"],
        ["1.000 of 1"],
        ["1.000"],
    ]
    assert conversations.row_count == 2
    assert "Six. (wrong)" in shown
    assert "Two. (right)" in shown
    assert "differ" in shown

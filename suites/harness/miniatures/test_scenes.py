"""Scenes follow from their seeds, and their answers from what is drawn."""

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.miniatures.questions import KINDS, PHRASINGS, relations_of
from harness.miniatures.scenes import (
    CALIBRATION_SEEDS,
    TEST_SEEDS,
    TRAINING_SEEDS,
    Scene,
    calibration_samples,
    evaluation_samples,
)
from harness.miniatures.world import CELLS, NUMBERS, Digit, Shape, digit_of, shapes_of

scene_seeds = st.sampled_from([TRAINING_SEEDS, CALIBRATION_SEEDS, TEST_SEEDS]).flatmap(
    st.sampled_from
)


def answer_of(scene: Scene, kind: str) -> str:
    return next(question.answer for question in scene.questions() if question.kind == kind)


def test_training_calibration_and_test_scenes_are_disjoint() -> None:
    ranges = sorted((TRAINING_SEEDS, CALIBRATION_SEEDS, TEST_SEEDS), key=lambda seeds: seeds.start)
    for earlier, later in pairwise(ranges):
        assert earlier.stop <= later.start
    assert {sample.scene_seed for sample in evaluation_samples(30)} <= set(TEST_SEEDS[:30])
    assert {s.scene_seed for s in calibration_samples(30)} <= set(CALIBRATION_SEEDS[:30])


@settings(deadline=None)
@given(scene_seeds)
def test_a_seed_always_gives_the_same_scene_picture_and_questions(seed: int) -> None:
    once, again = Scene.from_seed(seed), Scene.from_seed(seed)
    assert once == again
    assert once.questions() == again.questions()
    assert once.draw().tobytes() == again.draw().tobytes()


def test_different_seeds_give_different_pictures() -> None:
    assert len({Scene.from_seed(seed).draw().tobytes() for seed in TEST_SEEDS[:50]}) == 50


@given(scene_seeds)
def test_a_scene_holds_two_to_four_different_shapes_and_one_digit(seed: int) -> None:
    cells = Scene.from_seed(seed).cells
    shapes = shapes_of(cells)
    assert len(cells) == len(CELLS)
    assert 2 <= len(shapes) <= 4
    assert len(set(shapes)) == len(shapes)
    assert 0 <= digit_of(cells).value <= 9


@given(scene_seeds)
def test_every_kind_of_question_is_asked_once(seed: int) -> None:
    assert tuple(question.kind for question in Scene.from_seed(seed).questions()) == KINDS


def test_every_kind_has_several_phrasings_and_they_are_all_used() -> None:
    asked = {q.prompt for seed in TEST_SEEDS[:300] for q in Scene.from_seed(seed).questions()}
    for kind in ("count", "digit", "describe"):
        assert len(PHRASINGS[kind]) >= 3
        assert set(PHRASINGS[kind]) <= asked


@given(scene_seeds)
def test_colour_and_shape_are_asked_of_the_only_one(seed: int) -> None:
    scene = Scene.from_seed(seed)
    shapes = shapes_of(scene.cells)
    colour_answers = [f"The {shape.form} is {shape.colour}." for shape in shapes]
    shape_answers = [f"The {shape.colour} shape is a {shape.form}." for shape in shapes]
    assert colour_answers.count(answer_of(scene, "colour")) == 1
    assert shape_answers.count(answer_of(scene, "shape")) == 1
    form = answer_of(scene, "colour").split()[1]
    colour = answer_of(scene, "shape").split()[1]
    assert [shape.form for shape in shapes].count(form) == 1
    assert [shape.colour for shape in shapes].count(colour) == 1


@given(scene_seeds)
def test_the_relation_named_holds_and_has_one_answer(seed: int) -> None:
    scene = Scene.from_seed(seed)
    question = next(q for q in scene.questions() if q.kind == "relation")
    right = [
        relation
        for relation in relations_of(scene.cells)
        if f"{relation.relation} the {relation.anchor.name}" in question.prompt
    ]
    assert len(right) == 1
    assert question.answer.lower().startswith(right[0].thing.noun_phrase)


def test_relations_name_the_nearest_thing_in_each_direction() -> None:
    star, cross, digit = Shape("red", "star"), Shape("blue", "cross"), Digit(4)
    cells = (star, None, cross, digit, None, None)
    found = {(r.anchor, r.relation): r.thing for r in relations_of(cells)}
    assert found == {
        (star, "right of"): cross,
        (star, "below"): digit,
        (cross, "left of"): star,
        (digit, "above"): star,
    }


@given(scene_seeds)
def test_counts_and_digits_are_those_of_the_scene(seed: int) -> None:
    scene = Scene.from_seed(seed)
    assert NUMBERS[len(shapes_of(scene.cells))] in answer_of(scene, "count")
    assert NUMBERS[digit_of(scene.cells).value] in answer_of(scene, "digit")


@given(scene_seeds)
def test_a_description_names_every_cell_in_reading_order(seed: int) -> None:
    scene = Scene.from_seed(seed)
    sentences = answer_of(scene, "describe").split(". ")[1:]
    assert len(sentences) == len(CELLS)
    for sentence, cell, thing in zip(sentences, CELLS, scene.cells, strict=True):
        assert f"In the {cell} " in sentence
        assert (thing.noun_phrase if thing else "nothing") in sentence


def test_samples_cycle_through_the_kinds_one_scene_each() -> None:
    samples = evaluation_samples(14)
    assert [sample.question.kind for sample in samples] == [*KINDS, *KINDS, *KINDS[:2]]
    assert len({sample.scene_seed for sample in samples}) == 14
    assert evaluation_samples(14) == samples


def test_scenes_and_checkpoint_paths_are_there_without_torch() -> None:
    program = (
        "import sys, harness.miniatures.scenes, harness.miniatures.committed; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_asking_for_more_scenes_than_there_are_says_how_many_there_are() -> None:
    with pytest.raises(UserError, match="1,000,000 scenes but 1,000,001"):
        evaluation_samples(1_000_001)

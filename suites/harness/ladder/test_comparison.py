"""Stages held against each other: the first signal that is lost is the one that is named."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from harness.ladder.bounds import EXACT, ROUNDED, Bounds, LeastLikeness
from harness.ladder.comparison import Ladder, Rung, compare, likenesses, total_likeness
from harness.ladder.signals import Array, Signal, SignalName
from harness.measure.likeness import Likeness, likeness, logit_likeness
from harness.vocabulary import COMPONENTS, FLOATS, PRECISIONS

HELD = logit_likeness([np.array([0.0, 1.0])], [np.array([0.0, 1.0])])
SHAPES: dict[SignalName, tuple[int, ...]] = {
    "pixels": (1, 3, 4, 4),
    "image features": (1, 5, 6),
    "keys": (2, 3, 7),
    "values": (2, 7, 3),
    "first logits": (1, 9),
}


def reading(seed: int = 0) -> dict[Signal, Array]:
    source = np.random.default_rng(seed)
    found = {
        Signal(0, name): source.standard_normal(shape).astype(np.float32)
        for name, shape in SHAPES.items()
        if name not in ("keys", "values")
    }
    for layer in range(2):
        for name in ("keys", "values"):
            values = source.standard_normal(SHAPES[name]).astype(np.float32)
            found[Signal(0, name, layer)] = values
    return found


def rungs_of(broken: dict[Signal, Array]) -> Sequence[Rung]:
    before = reading()
    names = dict.fromkeys(before, "one")
    return compare([before], [before | broken], names, "other", lambda signal: EXACT)


def ladder(*rungs: Rung) -> Ladder:
    return Ladder(rungs, math.inf, HELD)


def test_what_is_kept_accuses_nobody() -> None:
    assert ladder(*rungs_of({})).accusation is None


def test_signals_are_told_as_data_flows_layer_by_layer() -> None:
    order = [rung.signal.described for rung in rungs_of({})]
    assert order == [
        "pixels",
        "image features",
        "keys of layer 0",
        "values of layer 0",
        "keys of layer 1",
        "values of layer 1",
        "first logits",
    ]


def test_the_first_signal_that_is_lost_is_named_whatever_follows() -> None:
    lost = {signal: values * 1.1 for signal, values in reading().items() if signal.layer == 1}
    found = ladder(*rungs_of(lost))
    assert found.drop is not None
    assert found.drop.signal == Signal(0, "keys", 1)
    assert [rung.signal.described for rung in found.lost] == [
        "keys of layer 1",
        "values of layer 1",
    ]
    assert found.accusation == (
        "between one and other, in the text decoder: keys of layer 1 at 20.0 dB (at least 80)"
    )


def test_a_lost_channel_is_named_where_the_whole_is_kept() -> None:
    signal = Signal(0, "first logits")
    before = {signal: np.ones((4, 1000), np.float32)}
    behind = {signal: before[signal].copy()}
    behind[signal][:, 3] = 0.9
    (rung,) = compare(
        [before], [behind], {signal: "one"}, "other", lambda one: LeastLikeness(30.0, 25.0)
    )
    assert not rung.holds
    assert rung.described == "a channel of first logits at 20.0 dB (at least 25)"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_kept(value: float) -> None:
    signal = Signal(0, "keys", 0)
    broken = reading()[signal].copy()
    broken[0, 0, 0] = value
    with np.errstate(invalid="ignore"):
        found = ladder(*rungs_of({signal: broken}))
    assert found.drop is not None
    assert found.drop.signal == signal


def test_another_length_is_not_kept() -> None:
    signal = Signal(0, "values", 0)
    found = ladder(*rungs_of({signal: reading()[signal][:, :-1]}))
    assert found.drop is not None
    assert (found.drop.signal, found.drop.likeness.sqnr_db) == (signal, -math.inf)


def test_what_a_stage_does_not_have_is_not_asked_of_it() -> None:
    before, behind = reading(), {Signal(0, "pixels"): reading()[Signal(0, "pixels")]}
    names = dict.fromkeys(before, "one")
    (rung,) = compare([before], [behind], names, "other", lambda signal: EXACT)
    assert rung.signal == Signal(0, "pixels")


def test_what_a_file_owes_and_does_not_give_is_lost() -> None:
    before = reading()
    behind = {signal: one for signal, one in before.items() if signal.name != "first logits"}
    names = dict.fromkeys(before, "one")
    rungs = compare([before], [behind], names, "other", lambda signal: EXACT, lambda signal: True)
    found = ladder(*rungs)
    assert found.drop is not None
    assert found.drop.signal == Signal(0, "first logits")
    assert found.drop.likeness.sqnr_db == -math.inf


def test_logits_of_another_length_are_like_nothing() -> None:
    signal = Signal(0, "first logits")
    decibel, held = total_likeness([reading()], [{signal: np.zeros((1, 4))}])
    assert (decibel, held.top1) == (-math.inf, 0.0)
    assert total_likeness([reading()], [{}])[0] == -math.inf


def test_later_turns_come_later() -> None:
    first, second = Signal(0, "answer logits"), Signal(1, "pixels")
    assert first.order < second.order
    assert second.described == "pixels in turn 2"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_has_bounds(precision: str) -> None:
    bounds = Bounds(dict.fromkeys(COMPONENTS, precision))  # type: ignore[arg-type]
    signal = Signal(0, "keys", 0)
    asked = bounds.of_recipe(signal)
    assert asked == (EXACT if precision in FLOATS else ROUNDED[precision])  # type: ignore[index]
    assert bounds.of_modules(signal) == EXACT
    silence = likeness(np.ones((4, 3)), np.zeros((4, 3)))
    assert silence.sqnr_db < asked.whole
    assert silence.sqnr_db < bounds.of_file(signal, silence).whole
    assert silence.sqnr_db < bounds.of_file(signal, None).whole


def test_rows_of_logits_are_too_few_to_look_at_each_token() -> None:
    bounds = Bounds(dict.fromkeys(COMPONENTS, "8da8w"))
    assert bounds.of_file(Signal(0, "first logits"), None).channel == -math.inf


def test_a_file_is_asked_no_more_than_its_modules_keep_of_themselves() -> None:
    bounds = Bounds(dict.fromkeys(COMPONENTS, "8da4w"))
    shaken = Likeness(sqnr_db=20.0, cosine=1.0, largest_error=0.1, worst_channel_db=12.0)
    assert bounds.of_file(Signal(0, "keys", 0), shaken) == LeastLikeness(10.0, 2.0)


def test_likeness_is_found_over_all_exercises() -> None:
    one, other = reading(0), reading(1)
    found = likenesses([one, other], [one, one])
    assert found[Signal(0, "keys", 0)].sqnr_db < 10

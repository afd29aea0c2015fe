"""``python -m harness ladder``: what it shows, and what it refuses."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console

from harness.artifacts.artifact import Artifact
from harness.commands.ladder_table import ladder_table
from harness.commands.main import main
from harness.ladder.bounds import EXACT
from harness.ladder.comparison import Ladder, Rung
from harness.ladder.signals import Signal
from harness.measure.likeness import Likeness, logit_likeness

HELD = logit_likeness([np.array([0.0, 1.0])], [np.array([0.0, 1.0])])
ARTIFACT = cast(
    Artifact,
    SimpleNamespace(
        manifest=SimpleNamespace(model="tiny_smolvlm", mode="hybrid", precision_label="fp32")
    ),
)


def rung(signal: Signal, decibel: float, behind: str = ".pte on CPU") -> Rung:
    found = Likeness(decibel, 1.0, 0.0, decibel)
    return Rung("float modules", behind, signal, found, None, EXACT)


def shown(*rungs: Rung, show_all: bool = False) -> str:
    console = Console(width=80, record=True)
    with console.capture() as captured:
        console.print(ladder_table(Ladder(rungs, 1.0, HELD), ARTIFACT, show_all=show_all))
    return captured.get()


def test_of_many_layers_and_turns_the_worst_is_shown() -> None:
    keys = [Signal(turn, "keys", layer) for turn in range(2) for layer in range(3)]
    text = shown(*(rung(one, 100 + index) for index, one in enumerate(keys)))
    (row,) = [line for line in text.splitlines() if line.startswith("keys")]
    assert row.split("│")[1].strip() == "100.0 L0"


def test_all_layers_are_shown_when_asked_for() -> None:
    keys = [Signal(turn, "keys", layer) for turn in range(2) for layer in range(2)]
    text = shown(*(rung(one, math.inf) for one in keys), show_all=True)
    rows = [line.split("│")[0].strip() for line in text.splitlines() if line.startswith("keys")]
    assert rows == [one.described for one in keys]
    assert text.count("equal") == 4


def test_what_is_lost_altogether_is_not_shown_as_equal() -> None:
    text = shown(rung(Signal(0, "pixels"), -math.inf))
    assert "nothing" in text
    assert "equal" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mode", "lookahead"], "use --mode hybrid or --mode kv"),
        (["--conversations", "0"], "give at least 1"),
        (["--target", "phone", "--soc", "SM8650"], "use --target host or --target emulator"),
        (["--precision", "8da3w"], "8da3w"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    words: list[str], told: str, capsys: Any
) -> None:
    assert main(["ladder", "tiny_smolvlm", *words]) == 2
    error = capsys.readouterr().err
    assert told in " ".join(error.split())
    assert "Traceback" not in error

"""The same inputs through every stage, float model to files: no stage loses a signal."""

from __future__ import annotations

import pytest

from fixtures.judge import SuiteJudge
from fixtures.ladder import ClimbLadder
from harness.export.recipe import Recipe
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@pytest.mark.needs("stages")
def test_every_stage_keeps_the_signal(
    model: VlmSpec,
    own_recipe: Recipe,
    file_mode: Mode,
    climb_ladder: ClimbLadder,
    judge: SuiteJudge,
) -> None:
    """Where one does not, its name, its layer and its signal are what is wrong."""
    measured, ladder = climb_ladder(model, own_recipe, file_mode)
    accusation = ladder.accusation
    judge.conclude(
        measured,
        notes=(f"the signal drops {accusation}",) if accusation else (),
        signals_lost=float(len(ladder.lost) + len(ladder.answers)),
        sqnr_db=ladder.sqnr_db,
        held_agreement=ladder.held.top1,
    )

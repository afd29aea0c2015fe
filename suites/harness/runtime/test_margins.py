"""Margins tell for every token how far its runner-up was behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.artifacts.artifact import Artifact
from harness.runtime.cli import main


@pytest.mark.parametrize("prompts", [["red circle"], ["red " * 40, "blue square"]])
def test_gaps_are_those_of_the_logits_that_chose_each_token(
    artifact: Artifact,
    pictures: tuple[str, str],
    prompts: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Turn by turn, a prompt of several passes included."""
    monkeypatch.chdir(tmp_path)
    dump = tmp_path / "logits.raw"
    spoken = [word for prompt in prompts for word in ("--prompt", prompt)]
    arguments = ["--artifact", str(artifact.directory), "--image", pictures[0], *spoken]
    limits = ["--eval_mode", "0", "--max_new_tokens", "4", "--ignore_eos"]
    watch = ["--json", "--record_margins", "--dump_logits_path", str(dump)]
    assert main([*arguments, *limits, *watch]) == 0
    turns = json.loads(capsys.readouterr().out.splitlines()[-1])["turns"]
    vocabulary = np.fromfile(dump, np.float32).size // sum(
        turn["stats"]["prompt_tokens"] + turn["stats"]["generated_tokens"] for turn in turns
    )
    rows: NDArray[np.float32] = np.fromfile(dump, np.float32).reshape(-1, vocabulary)
    start = 0
    for turn in turns:
        last = start + turn["stats"]["prompt_tokens"] + turn["stats"]["generated_tokens"]
        choosing = rows[start + turn["stats"]["prompt_tokens"] - 1 : last]
        assert turn["token_ids"] == choosing.argmax(axis=1).tolist()
        order = np.argsort(choosing, axis=1)
        assert turn["runner_up_ids"] == order[:, -2].tolist()
        ordered = np.sort(choosing, axis=1)
        expected = (ordered[:, -1] - ordered[:, -2]).tolist()
        assert turn["top2_gaps"] == pytest.approx(expected, abs=1e-6)
        start = last


def test_nothing_is_recorded_unasked(
    artifact: Artifact,
    pictures: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ["--artifact", str(artifact.directory), "--image", pictures[0], "--max_new_tokens", "2"]
    assert main([*run, "--json"]) == 0
    (turn,) = json.loads(capsys.readouterr().out.splitlines()[-1])["turns"]
    assert turn["top2_gaps"] is None
    assert turn["runner_up_ids"] is None

"""Upstream's files on the emulator are judged as upstream's runner runs them, ours told beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from harness.artifacts.artifact import open_artifact
from harness.artifacts.manifest import MANIFEST_NAME
from harness.judging.interview import Answer, Answers
from harness.judging.questions import PictureQuestion
from harness.judging.upstreams_way import our_runner_instead, prefill_notice, runs_upstreams_way
from harness.measure.gate import Context
from harness.vocabulary import Mode, Target
from suites.harness.fixtures.conftest import hollow_artifact

CONTEXT = Context("tiny_smolvlm", "emulator", "SM8650", "hybrid", "")


def answers(*given: str) -> Answers:
    asked = PictureQuestion("q", "what", "What?", "red", Path("1.png"))
    items = [Answer(asked, tuple(text.encode()), text, correct=text == "red") for text in given]
    return Answers(cast(Any, None), CONTEXT, tuple(items))


@pytest.mark.parametrize(
    ("target", "has_manifest", "expected"),
    [
        ("emulator", False, True),
        ("emulator", True, False),
        ("host", False, False),
        ("phone", False, False),
    ],
)
def test_files_of_another_exporter_are_run_as_their_own_runner_would(
    target: Target, has_manifest: bool, expected: bool, tmp_path: Path
) -> None:
    artifact = open_artifact(hollow_artifact(tmp_path / "artifact"))
    if not has_manifest:
        (artifact.directory / MANIFEST_NAME).unlink()
    assert runs_upstreams_way(artifact, target) is expected


@pytest.mark.parametrize(
    ("mode", "target", "has_manifest", "is_told"),
    [
        ("hybrid", "emulator", False, True),
        ("lookahead", "emulator", False, True),
        ("kv", "emulator", False, False),
        ("hybrid", "emulator", True, False),
        ("hybrid", "phone", False, False),
    ],
)
def test_answers_that_upstreams_prefill_graph_spoils_are_foretold(
    mode: Mode, target: Target, has_manifest: bool, is_told: bool, tmp_path: Path
) -> None:
    made = hollow_artifact(
        tmp_path / "artifact", mode=mode, target=target, backend="qnn", soc="SM8650"
    )
    artifact = open_artifact(made)
    if not has_manifest:
        (artifact.directory / MANIFEST_NAME).unlink()
    told = prefill_notice(artifact)
    assert (told is not None) is is_told
    assert told is None or f"answers in {mode} mode are others than in kv mode" in told


def test_one_sentence_says_what_our_runner_makes_of_them() -> None:
    sentence = our_runner_instead(answers("blue", "red", "one"), answers("red", "red", "two"))
    assert sentence == (
        "judged is what users of upstream's runner get, 1 of 3 right; our runner answers 2 of 3 "
        "right with these files, 1 of 3 with the same tokens"
    )

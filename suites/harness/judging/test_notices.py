"""What upstream's runner does otherwise with an artifact is said once, before it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.judging.notices import Notices
from harness.miniatures.committed import checkpoint_path
from harness.results.rows.schema import NoticeRow
from harness.runtime.request import Request
from harness.vlm.registry import get_spec
from suites.harness.fixtures.conftest import hollow_artifact


class Kept:
    """A recorder that keeps rows."""

    run_id = "20261124T021500Z-abcdef"

    def __init__(self) -> None:
        self.rows: list[NoticeRow] = []

    def append(self, row: NoticeRow) -> None:
        """Keep a row."""
        self.rows.append(row)


ASKED = [Request(id="0", prompts=("What is this?",))]


def artifact_of(folder: Path, model: str) -> Artifact:
    family = get_spec(model).family.name
    artifact = open_artifact(hollow_artifact(folder, model=model, family=family))
    content = (checkpoint_path(model) / "tokenizer.json").read_text()
    artifact.tokenizer_path.write_text(content)
    return artifact


def test_a_word_that_will_cut_answers_is_told_once_per_model(tmp_path: Path) -> None:
    kept, shown = Kept(), list[str]()
    notices = Notices(kept, shown.append)  # type: ignore[arg-type]
    for name in ("tiny_smolvlm", "tiny_internvl3"):
        artifact = artifact_of(tmp_path / name, name)
        notices.look_at(artifact, ASKED)
        notices.look_at(artifact, ASKED)
    cut = "upstream's runner cuts answers behind '!' (id 0), which it takes for the end of a text"
    assert shown == [f"tiny_smolvlm: {cut}", f"tiny_internvl3: {cut}"]
    assert [(row.model, row.artifact_key, row.sentence) for row in kept.rows] == [
        ("tiny_smolvlm", "0" * 64, cut),
        ("tiny_internvl3", "0" * 64, cut),
    ]


def test_a_prompt_that_upstreams_tokenizer_changes_is_told_once(tmp_path: Path) -> None:
    artifact = artifact_of(tmp_path / "artifact", "tiny_internvl3")
    content = json.loads(artifact.tokenizer_path.read_text())
    artifact.tokenizer_path.write_text(json.dumps({**content, "normalizer": {"type": "NFC"}}))
    kept = Kept()
    notices = Notices(kept, str)  # type: ignore[arg-type]
    accented = Request(id="1", prompts=("Où est-il ?",))
    for requests in (ASKED, [*ASKED, accented], [accented]):
        notices.look_at(artifact, requests)
    _, told = kept.rows
    assert told.sentence.startswith("upstream's runner reads 'Où est-il ?' as")


def test_a_tokenizer_that_cannot_be_read_is_left_to_whoever_runs_it(tmp_path: Path) -> None:
    kept = Kept()
    artifact = open_artifact(hollow_artifact(tmp_path / "artifact"))
    Notices(kept, pytest.fail).look_at(artifact, ASKED)  # type: ignore[arg-type]
    assert kept.rows == []


def test_settings_of_generation_that_no_runner_follows_are_told(tmp_path: Path) -> None:
    artifact = artifact_of(tmp_path / "artifact", "tiny_smolvlm")
    settings = {"repetition_penalty": 1.3, "suppress_tokens": [3]}
    (artifact.directory / "generation_config.json").write_text(json.dumps(settings))
    kept, shown = Kept(), list[str]()
    Notices(kept, shown.append).look_at(artifact, ASKED)  # type: ignore[arg-type]
    assert "asks for repetition_penalty 1.3, suppress_tokens (1 item), which no runner" in shown[0]
    assert kept.rows[0].sentence in shown[0]

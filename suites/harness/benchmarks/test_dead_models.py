"""Miniatures are killed as their kinds say, and counted as what sessions made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.dead_models.__main__ import faults_of
from benchmarks.dead_models.kinds import KINDS
from benchmarks.dead_models.sessions import SUITES, SessionEnd, SuiteEnd
from benchmarks.dead_models.weights import NotThereError, Weights
from harness.artifacts.artifact import Artifact, open_artifact
from harness.vlm.registry import get_spec
from suites.harness.runtime.random_checkpoint import save_random_checkpoint

FOR_THE_HTP = ("cache-scale", "context")


@pytest.fixture(scope="module")
def checkpoint(random_smolvlm: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the artifact was made from."""
    folder = tmp_path_factory.mktemp("checkpoint")
    save_random_checkpoint(get_spec(random_smolvlm.manifest.model), folder)
    return folder


def end(exit_status: int = 1, green: Sequence[str] = (), refusal: str = "") -> SessionEnd:
    suites = {
        suite: SuiteEnd(failed=int(suite not in green), passed=3, others=0, sentence="It is dead.")
        for suite in SUITES
        if not refusal
    }
    return SessionEnd(exit_status=exit_status, seconds=1, suites=suites, refusal=refusal)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in FOR_THE_HTP])
def test_a_kind_changes_files_that_stay_an_artifact(
    random_smolvlm: Artifact, checkpoint: Path, tmp_path: Path, name: str
) -> None:
    weights = Weights(random_smolvlm, checkpoint)
    KINDS[name].kill(weights)
    killed = open_artifact(weights.save(tmp_path / "killed"))
    before, after = random_smolvlm.manifest.components, killed.manifest.components
    assert any(one.sha256 != other.sha256 for one, other in zip(before, after, strict=True))
    assert [one.pte_bytes for one in before] == [one.pte_bytes for one in after]


@pytest.mark.parametrize("name", FOR_THE_HTP)
def test_what_a_file_does_not_hold_is_not_written_over(
    random_smolvlm: Artifact, checkpoint: Path, name: str
) -> None:
    with pytest.raises(NotThereError):
        KINDS[name].kill(Weights(random_smolvlm, checkpoint))


@pytest.mark.parametrize("name", ["decoder-word", "head-zero", "one-token"])
def test_what_a_file_does_not_hold_as_it_is_comes_from_a_checkpoint_written_over(
    random_smolvlm: Artifact, checkpoint: Path, tmp_path: Path, name: str
) -> None:
    weights = Weights(random_smolvlm, checkpoint)
    weights.files["text_decoder"] = bytearray(b"compiled")
    KINDS[name].kill(weights)
    assert not weights.are_in_files
    assert weights.files["text_decoder"] == b"compiled"
    killed = Weights(random_smolvlm, weights.save_checkpoint(tmp_path / "killed"))
    assert killed.tensors.keys() == weights.tensors.keys()
    for tensor, before in weights.tensors.items():
        after = weights.changed.get(tensor, before)
        np.testing.assert_array_equal(killed.tensors[tensor], after)
    assert weights.changed


def test_one_word_is_no_number(random_smolvlm: Artifact, checkpoint: Path) -> None:
    weights = Weights(random_smolvlm, checkpoint)
    before = bytes(weights.files["text_decoder"])
    KINDS["decoder-word"].kill(weights)
    after = np.frombuffer(bytes(weights.files["text_decoder"]), np.uint32)
    (place,) = np.flatnonzero(after != np.frombuffer(before, np.uint32))
    assert after[place] == 0xFFFFFFFF


def test_a_suite_that_was_skipped_is_not_green() -> None:
    ended = end()
    skipped = SuiteEnd(failed=0, passed=0, others=9)
    suites = {**ended.suites, "perf": skipped}
    assert faults_of("one-token", ended.model_copy(update={"suites": suites})) == []


@pytest.mark.parametrize(
    ("kind", "ended", "faults"),
    [
        ("one-token", end(), []),
        ("one-token", end(4, refusal="It is damaged."), []),
        ("one-token", end(green=["size"]), ["one-token stayed green in size"]),
        ("healthy", end(0, green=SUITES), []),
        ("healthy", end(1), ["the healthy model ended with 1: It is dead."]),
    ],
)
def test_what_stays_green_is_told(kind: str, ended: SessionEnd, faults: list[str]) -> None:
    assert faults_of(kind, ended) == faults

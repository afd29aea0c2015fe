"""A family that another package adds is exported, run and judged as ours are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.artifacts.artifact import open_artifact
from suites.harness.families.conftest import ROOT, Toy

MODEL = "llava_of_two_layers"
GATE = """
[[gate]]
metric = "token_agreement"
min = 1.0
confidence = "derived"
source = "greedy decoding of the float model on identical pixels and ids"
since = 2026-11-23
"""


@pytest.fixture(scope="module")
def cache(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact cache that the toy family's artifact was exported into.

    A hybrid one: a session runs it in kv mode as well, and exports none of its own.
    """
    folder = tmp_path_factory.mktemp("cache")
    done = toy.site.run(
        *("harness", "export", MODEL, "--checkpoint", str(toy.checkpoint)),
        *("--target", "host", "--mode", "hybrid", "--artifacts", str(folder)),
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def artifact(cache: Path) -> Path:
    (found,) = (cache / "artifacts").glob(f"{MODEL}-*")
    return found


def test_its_artifact_is_whole_and_names_the_family(artifact: Path) -> None:
    manifest = open_artifact(artifact).manifest
    assert (manifest.model, manifest.family) == (MODEL, "toy_llava")
    assert (manifest.image_size_px, manifest.tokens_per_image) == (40, 16)


def test_the_runner_asks_in_the_familys_words(toy: Toy, artifact: Path, tmp_path: Path) -> None:
    image, output = ROOT / "fixtures" / "images" / "golden-1.png", tmp_path / "outputs.txt"
    done = toy.site.run(
        *("harness.runtime", "--artifact", str(artifact), "--image", str(image)),
        *("--prompt", "What is this?", "--max_new_tokens", "4"),
        *("--output_path", str(output)),
        *("--performance_output_path", str(tmp_path / "speed.txt")),
    )
    assert done.returncode == 0, done.stderr
    assert output.read_bytes().startswith(b"USER: \nWhat is this? ASSISTANT:")


def test_its_tokens_are_judged_against_the_float_model(
    toy: Toy, cache: Path, tmp_path: Path
) -> None:
    """In a session of its own, which has to find the family by itself, as its runner has to."""
    thresholds = tmp_path / "thresholds"
    thresholds.mkdir()
    shutil.copy(ROOT / "thresholds" / "socs.toml", thresholds)
    (thresholds / f"{MODEL}.toml").write_text(GATE)
    done = toy.site.run(
        *("pytest", "suites/accuracy/test_answers.py", "-k", "tokens_agree"),
        *("--model", MODEL, "--checkpoint", str(toy.checkpoint), "--build-missing"),
        *("--mode", "kv", "--precision", "fp32", "--scenes", "6"),
        *("--artifacts", str(cache), "--thresholds", str(thresholds)),
        *("--results", str(tmp_path / "results"), "--report-dir", str(tmp_path / "report")),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    journals = (tmp_path / "results").rglob("*.jsonl")
    rows = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
    (verdict,) = (row for row in rows if row["kind"] == "verdict")
    assert (verdict["model"], verdict["metric"]) == (MODEL, "token_agreement")
    assert verdict["status"] == "pass"
    assert (verdict["count"], verdict["count_of"]) == (6, 6)

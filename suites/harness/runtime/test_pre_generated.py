"""Files without a manifest say what they are, as far as they know."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.artifacts.artifact import Artifact, file_fault, open_artifact
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.runtime.encodings import CacheEncodings, Encoding
from harness.runtime.files import RunFiles
from harness.runtime.flag_syntax import parse_flags
from harness.runtime.plan import make_plan
from harness.runtime.pre_generated import open_pre_generated
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.mode import LookaheadShape
from harness.vlm.registry import get_family, get_spec
from harness.vocabulary import COMPONENTS, Component, Precision
from suites.harness.runtime.handmade_program import (
    Interface,
    requantized_metadata,
    save_decoder,
    save_embedding,
    save_encoder,
)

FP32: dict[Component, Precision] = dict.fromkeys(COMPONENTS, "fp32")
SPEC = get_spec("tiny_smolvlm")


@pytest.fixture
def foreign(artifact: Artifact, tmp_path: Path) -> Path:
    """An artifact's files in a folder without its manifest, as by another exporter."""
    for component in COMPONENTS:
        shutil.copy(artifact.path(component), tmp_path)
    shutil.copy(artifact.tokenizer_path, tmp_path)
    return tmp_path


def handmade(folder: Path, name: str, decode_ar: int = 1, mask_rank: int = 4) -> Path:
    """A requantized model with the sizes of ``tiny_smolvlm`` and cache codes of 16 bits."""
    text = SPEC.text
    interface = Interface(
        ar=decode_ar,
        context_length=128,
        layers=text.layers,
        kv_heads=text.kv_heads,
        head_dim=text.head_dim,
        hidden_size=text.hidden_size,
        vocab_size=text.vocab_size,
        mask_rank=mask_rank,
        kv_dtype=torch.uint16,
    )
    methods = {"kv_forward": interface, "prefill_forward": replace(interface, ar=16)}
    encodings = CacheEncodings(
        (Encoding(0.5, 10),) * text.layers, (Encoding(0.25, 20),) * text.layers
    )
    constants = requantized_metadata(encodings, encodings) | {"get_n_layers": text.layers}
    save_decoder(folder / name, methods, constants)
    embeddings = {f"tok_embedding_{method}": methods[method] for method in methods}
    save_embedding(folder / "text_embedding_qnn.pte", embeddings)
    vision = SPEC.vision
    save_encoder(
        folder / "vision_encoder_qnn.pte",
        vision.image_size_px,
        vision.tokens_per_image,
        text.hidden_size,
    )
    shutil.copy(checkpoint_path(SPEC.name) / "tokenizer.json", folder)
    return folder


def test_a_folder_with_a_manifest_is_opened_strictly(artifact: Artifact, tmp_path: Path) -> None:
    assert open_pre_generated(artifact.directory) == artifact
    broken = tmp_path / "broken"
    shutil.copytree(artifact.directory, broken)
    artifact_of_broken = open_artifact(broken)
    artifact_of_broken.path("text_decoder").write_bytes(b"short")
    with pytest.raises(UserError, match="copy it whole"):
        open_pre_generated(broken)


@pytest.mark.parametrize("model", [None, SPEC])
def test_the_files_of_an_artifact_say_what_its_manifest_says(
    artifact: Artifact, foreign: Path, model: object
) -> None:
    found = open_pre_generated(foreign, None if model is None else SPEC, precisions=FP32)
    ours, theirs = artifact.manifest, found.manifest
    unknown = {"key", "components", "versions", "created_at", "tokenizer_files"}
    assert theirs.model_dump(exclude=unknown) == ours.model_dump(exclude=unknown)
    assert theirs.versions == {"abi": "#20488, July 2026"}
    for component in COMPONENTS:
        entry = theirs.component(component)
        assert file_fault(found.path(component), entry) is None
        assert (entry.sha256, entry.precision) == (ours.component(component).sha256, "fp32")
        assert entry.weights_sha256 is None
    assert theirs.key == open_pre_generated(foreign, precisions=FP32).manifest.key != ours.key


def test_they_run(foreign: Path, artifact: Artifact, pictures: tuple[str, str]) -> None:
    found = open_pre_generated(foreign, precisions=FP32)
    options = RunOptions(max_new_tokens=4, ignore_eos=True)
    request = Request(id="0", prompts=("What is this?",), images=pictures[:1])
    answers = [
        MultimodalRunner(RunFiles.of(one), get_family("smolvlm"), options).run(request).last
        for one in (artifact, found)
    ]
    assert answers[0].token_ids == answers[1].token_ids


def test_the_runner_takes_the_folder_and_is_told_the_family(
    foreign: Path, artifact: Artifact, pictures: tuple[str, str]
) -> None:
    flags = [f"--artifact={foreign}", f"--image={pictures[0]}"]
    family = "--decoder_model_version=smolvlm"
    plan = make_plan(parse_flags([*flags, family]))
    assert plan.files == RunFiles.of(open_pre_generated(foreign, precisions=FP32))
    assert (plan.family, plan.options.mode) == (get_family("smolvlm"), "hybrid")
    with pytest.raises(UserError, match="add --decoder_model_version smolvlm or internvl3"):
        make_plan(parse_flags(flags))
    with pytest.raises(UserError, match=r"is for a folder without manifest\.json"):
        make_plan(parse_flags([f"--artifact={artifact.directory}", flags[1], family]))


def test_a_precision_that_nothing_tells_is_asked_for(foreign: Path) -> None:
    with pytest.raises(UserError, match="do not tell their precision; give it as --precision"):
        open_pre_generated(foreign)


def test_another_model_is_told_by_the_first_size_that_differs(foreign: Path) -> None:
    with pytest.raises(UserError, match="no smolvlm_500m: its layers is 3 instead of 32"):
        open_pre_generated(foreign, get_spec("smolvlm_500m"), precisions=FP32)


def test_a_file_of_january_2026_is_known_as_one(tmp_path: Path) -> None:
    found = open_pre_generated(
        handmade(tmp_path, "hybrid_llama_qnn.pte", mask_rank=3), precisions=FP32
    ).manifest
    assert (found.model, found.mode, found.kv_encodings) == (SPEC.name, "hybrid", "requantized")
    assert (found.context_length, found.prefill_ar) == (128, 16)
    assert found.versions == {"abi": "#16536, January 2026"}
    assert found.component("token_embedding").file == "text_embedding_qnn.pte"


def test_a_lookahead_file_does_not_tell_its_branch(tmp_path: Path) -> None:
    branch = LookaheadShape(window=8, ngram=5, gcap=8)
    folder = handmade(tmp_path, "lookahead_llama_qnn.pte", decode_ar=branch.ar)
    with pytest.raises(UserError, match=r"does not tell the branch .*--lookahead W,N,G"):
        open_pre_generated(folder, precisions=FP32)
    found = open_pre_generated(folder, precisions=FP32, lookahead=branch).manifest
    assert (found.mode, found.lookahead) == ("lookahead", branch)


def test_a_damaged_file_is_named(foreign: Path) -> None:
    decoder = next(foreign.glob("*_llama_*.pte"))
    decoder.write_bytes(decoder.read_bytes()[:5000])
    with pytest.raises(UserError, match=rf"{decoder.name} is truncated"):
        open_pre_generated(foreign, precisions=FP32)

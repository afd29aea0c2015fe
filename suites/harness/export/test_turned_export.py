"""A decoder is turned on its way to a file exactly where its configuration says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.backends.decoder_recipe import DecoderRecipe
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.export.calibration_file import load_calibration
from harness.export.component_key import component_config
from harness.export.graphs.samples import tokenized_samples
from harness.export.htp.component import calibrated_decoder
from harness.export.inputs.build_config import BuildConfig
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.export.worker.component import build_component
from harness.export.worker.messages import Task
from harness.miniatures.committed import calibration_path
from harness.vocabulary import Precision, Target
from suites.harness.export.conftest import MakeCheckpoint, one_layer

SPEC = one_layer("smolvlm")


@pytest.fixture
def checkpoint(make_checkpoint: MakeCheckpoint) -> Checkpoint:
    return open_checkpoint(make_checkpoint("smolvlm"), SPEC)


def decoder_config(precision: Precision, target: Target, *, rotates: bool) -> BuildConfig:
    floating: Precision = "fp32" if target == "host" else "fp16"
    recipe = Recipe(
        vision_encoder=floating,
        token_embedding=floating,
        text_decoder=precision,
        decoder=DecoderRecipe(rotate_hidden=rotates),
    )
    soc = None if target == "host" else "SM8650"
    request = ExportRequest(SPEC, Path(), recipe, target=target, soc=soc, context_length=128)
    return component_config(
        request,
        SPEC,
        "text_decoder",
        image_token_id=5,
        weights_sha256="0" * 64,
        calibration_sha256="1" * 64,
        qnn_build=None if target == "host" else "v2.47.0",
    )


def test_a_file_of_the_host_has_what_turns_as_floats(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    sizes = []
    for rotates in (False, True):
        output = tmp_path / f"{rotates}.pte"
        task = Task(
            checkpoint=checkpoint.directory,
            calibration=(),
            qnn_dir=None,
            config=decoder_config("8da8w", "host", rotates=rotates),
            output=output,
        )
        build_component(checkpoint, task, lambda stage: None)
        sizes.append(output.stat().st_size)
    floats = 4 * SPEC.text.hidden_size**2
    assert 0.8 * floats < sizes[1] - sizes[0] < 1.2 * floats


def test_a_graph_for_the_htp_has_one_linear_more(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Unset, it would make ExecuTorch download an SDK, of which encodings need nothing.
    monkeypatch.setenv("QNN_SDK_ROOT", "")
    samples = load_calibration(calibration_path()).samples[:1]
    conversations = tokenized_samples(checkpoint, samples)
    linears = []
    for rotates in (False, True):
        config = decoder_config("16a8w", "emulator", rotates=rotates)
        graph = calibrated_decoder(checkpoint, config, conversations).decode.module.graph
        convolutions = [
            node for node in graph.nodes if node.target == torch.ops.aten.conv2d.default
        ]
        linears.append(len(convolutions))
    assert linears[1] == linears[0] + 1

"""What a user gets wrong is one sentence and exit code 2, and leaves nothing half-written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fixtures.artifact import GetArtifact
from harness.artifacts.artifact import Artifact
from harness.devices.device import Device, RunFailure
from harness.errors import UserError
from harness.export.recipe import Recipe
from harness.judging.questions import Scenes
from harness.runtime.request import Request, RunOptions
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@pytest.fixture
def artifact(
    model: VlmSpec,
    own_recipe: Recipe,
    any_mode: Mode,
    get_artifact: GetArtifact,
    tmp_path: Path,
) -> Artifact:
    """A copy of the model's artifact that a test may damage."""
    original = get_artifact(model, own_recipe, any_mode)
    directory = tmp_path / "an artifact with spaces and ümlauts"
    shutil.copytree(original.directory, directory)
    return Artifact(directory, original.manifest)


def refusal(device: Device, artifact: Artifact, request: Request, options: RunOptions) -> str:
    """The sentence with which a run is refused."""
    with pytest.raises((RunFailure, UserError)) as failure:
        device.run(artifact, [request], options)
    if isinstance(failure.value, UserError):
        # A phone's runner is not even asked where this machine knows that it must refuse.
        return str(failure.value)
    assert failure.value.exit_code == 2
    assert failure.value.answered == ()
    assert "Traceback" not in failure.value.log
    return failure.value.log.splitlines()[-1]


@pytest.fixture
def request_of_scene(scenes: Scenes) -> Request:
    """A request that would be answered if nothing were wrong."""
    return scenes.questions()[0].request()


def test_paths_with_spaces_and_umlauts_run(
    artifact: Artifact, any_mode: Mode, device: Device, request_of_scene: Request
) -> None:
    """An artifact runs from wherever it was copied to."""
    (generation,) = device.run(artifact, [request_of_scene], RunOptions(mode=any_mode))
    assert generation.last.token_ids


def test_a_damaged_decoder_is_refused(
    artifact: Artifact, any_mode: Mode, device: Device, request_of_scene: Request
) -> None:
    """A decoder with one wrong byte is named before anything is loaded."""
    path = artifact.path("text_decoder")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)
    sentence = refusal(device, artifact, request_of_scene, RunOptions(mode=any_mode))
    assert path.name in sentence


def test_a_truncated_encoder_is_refused(
    artifact: Artifact, any_mode: Mode, device: Device, request_of_scene: Request
) -> None:
    """A file that was copied in half is named with both sizes."""
    path = artifact.path("vision_encoder")
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:1000])
    sentence = refusal(device, artifact, request_of_scene, RunOptions(mode=any_mode))
    assert "1,000" in sentence
    assert f"{len(content):,}" in sentence


def test_a_raw_image_of_the_wrong_size_is_refused(
    artifact: Artifact, any_mode: Mode, device: Device, tmp_path: Path
) -> None:
    """A raw tensor that is not the encoder's input is told by its bytes."""
    raw = tmp_path / "image.raw"
    raw.write_bytes(bytes(1234))
    request = Request(id="raw", prompts=("<image>What is this?",), images=(str(raw),))
    assert "1,234" in refusal(device, artifact, request, RunOptions(mode=any_mode))


def test_a_prompt_beyond_the_context_is_refused(
    artifact: Artifact, any_mode: Mode, device: Device, request_of_scene: Request
) -> None:
    """A prompt that cannot fit is refused, not cut."""
    context = artifact.manifest.context_length
    # With a picture: a phone's runner takes no request without one.
    request = request_of_scene.model_copy(update={"prompts": ("<image>" + "x y " * context,)})
    assert f"{context:,}" in refusal(device, artifact, request, RunOptions(mode=any_mode))

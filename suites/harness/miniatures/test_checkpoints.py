"""The committed checkpoints are what they claim to be and answer rightly."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoTokenizer,
    GotOcr2ImageProcessorPil,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    InternVLForConditionalGeneration,
    PreTrainedModel,
)

from harness.backends.xnnpack import GROUP_SIZE
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.miniatures.scenes import SceneSample, evaluation_samples
from harness.vlm.preprocess import preprocess
from harness.vlm.registry import get_spec
from harness.vlm.spec import VlmSpec
from training.evaluation import Sight, exact_match, total
from training.quantization import decoder_linears
from training.saving import load_model, load_tokenizer, model_config

PROCESSORS: dict[str, type[Idefics3ImageProcessorPil] | type[GotOcr2ImageProcessorPil]] = {
    "tiny_smolvlm": Idefics3ImageProcessorPil,
    "tiny_internvl3": GotOcr2ImageProcessorPil,
}
CLASSES = {
    "tiny_smolvlm": Idefics3ForConditionalGeneration,
    "tiny_internvl3": InternVLForConditionalGeneration,
}
MEBIBYTE = 1024 * 1024


@pytest.fixture(params=sorted(CLASSES), scope="module")
def spec(request: pytest.FixtureRequest) -> VlmSpec:
    return get_spec(request.param)


@pytest.fixture(scope="module")
def folder(spec: VlmSpec) -> Path:
    return checkpoint_path(spec.name)


@pytest.fixture(scope="module")
def model(spec: VlmSpec, folder: Path) -> PreTrainedModel:
    torch.manual_seed(0)
    return load_model(folder)


@pytest.fixture(scope="module")
def samples() -> list[SceneSample]:
    return evaluation_samples(42)


def test_an_unknown_checkpoint_names_the_command_that_trains_it() -> None:
    with pytest.raises(UserError, match=r"python -m training train tiny_nothing"):
        checkpoint_path("tiny_nothing")


def test_the_folder_is_small(folder: Path) -> None:
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 5 * MEBIBYTE


def test_its_geometry_is_that_of_the_spec(spec: VlmSpec, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == [spec.family.architecture]
    assert spec.family.read_geometry(config) == (spec.vision, spec.text)
    assert config["text_config"]["max_position_embeddings"] == spec.context_length
    assert config["tie_word_embeddings"] is False


def test_its_configuration_is_the_one_that_is_built(spec: VlmSpec, folder: Path) -> None:
    built = model_config(spec, load_tokenizer(folder)).to_diff_dict()
    committed = json.loads((folder / "config.json").read_text())
    for part in ("text_config", "vision_config"):
        assert committed[part].items() >= built[part].items()


def test_it_loads_as_the_class_of_the_real_model(spec: VlmSpec, model: PreTrainedModel) -> None:
    assert type(model) is CLASSES[spec.name]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_its_decoder_is_small_and_every_matrix_splits_into_int4_groups(
    spec: VlmSpec, model: PreTrainedModel
) -> None:
    is_of_decoder = decoder_linears(spec.family)
    matrices = {
        name: module for name, module in model.named_modules() if is_of_decoder(module, name)
    }
    assert set(matrices) == {
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and re.search(r"text_|language_|lm_head", name)
    }
    assert sum(module.weight.numel() for module in matrices.values()) < 400_000
    for name, module in matrices.items():
        assert module.in_features % GROUP_SIZE == 0, name


def test_sizes_that_identify_a_tensor_differ(spec: VlmSpec) -> None:
    text = spec.text
    sizes = (
        text.head_dim,
        text.hidden_size,
        text.vocab_size,
        spec.prefill_ar,
        spec.context_length,
    )
    assert len(set(sizes)) == len(sizes)


def test_generation_ends_at_every_stop_token(
    spec: VlmSpec, model: PreTrainedModel, folder: Path
) -> None:
    tokenizer = load_tokenizer(folder)
    expected = [tokenizer.token_to_id(token) for token in spec.family.stop_tokens]
    assert model.generation_config.eos_token_id == expected


def test_the_image_processor_gives_the_pixels_of_our_preprocessing(
    spec: VlmSpec, folder: Path, samples: list[SceneSample]
) -> None:
    processor = PROCESSORS[spec.name].from_pretrained(folder)
    picture = samples[0].draw()
    reference = np.asarray(processor(picture, return_tensors="np")["pixel_values"])
    ours = preprocess(picture, spec.vision.image_size_px, spec.family.preprocessing)
    normalized_range = 1 / min(spec.family.preprocessing.std)
    np.testing.assert_allclose(
        reference.reshape(ours.shape), ours, atol=normalized_range / 255, rtol=0
    )


def test_the_transformers_tokenizer_encodes_like_the_bare_one(folder: Path) -> None:
    wrapped, bare = AutoTokenizer.from_pretrained(folder), load_tokenizer(folder)
    text = "<|im_start|>What is left of the red circle?\n<|im_end|>"
    assert wrapped(text)["input_ids"] == bare.encode(text).ids


def test_it_answers_unseen_scenes(
    spec: VlmSpec, model: PreTrainedModel, folder: Path, samples: list[SceneSample]
) -> None:
    scores = exact_match(model, spec, load_tokenizer(folder), samples)
    assert sum(score.samples for score in scores) == len(samples)
    assert total(scores).share >= 0.9


@pytest.mark.parametrize("sight", ["blank", "swapped"])
def test_it_cannot_answer_without_the_right_picture(
    spec: VlmSpec, model: PreTrainedModel, folder: Path, samples: list[SceneSample], sight: Sight
) -> None:
    scores = exact_match(model, spec, load_tokenizer(folder), samples, sight)
    assert total(scores).share < 0.3

"""Whatever form an encoder's graph is written in, its features stay what they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.export.families.smolvlm import SmolVlmEncoder
from harness.export.htp.encoder_form import (
    EncoderForm,
    choose_form,
    sequence_rows,
    with_form,
)
from harness.targets.soc import get_soc
from harness.vlm.family_parts import load_part
from harness.vlm.registry import get_spec

MINIATURES = {"tiny_smolvlm": 64, "tiny_internvl3": 65}
"""Rows that reach the layers; InternVL has one of its own."""


def encoder_of(name: str) -> nn.Module:
    spec = get_spec(name)
    torch.manual_seed(0)
    encoder: nn.Module = load_part(spec.family, "encoder")(
        replace(spec.vision, layers=2), spec.text
    )
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.normal_(std=0.1)
    return encoder.eval()


def pixels_of(name: str) -> Tensor:
    side = get_spec(name).vision.image_size_px
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("name", MINIATURES)
@pytest.mark.parametrize(
    "form",
    [
        EncoderForm(96),
        EncoderForm(96, heads_apart=True),
        EncoderForm(96, mlp_rows=36),
        EncoderForm(96, heads_apart=True, mlp_columns=96),
    ],
    ids=["padded", "heads apart", "rows", "columns"],
)
def test_features_stay_what_they_are(name: str, form: EncoderForm) -> None:
    encoder, pixels = encoder_of(name), pixels_of(name)
    with torch.no_grad():
        expected = encoder(pixels)
        found = with_form(encoder, MINIATURES[name], form)(pixels)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=2e-5 * expected.abs().max(), rtol=0)


@pytest.mark.parametrize("name", MINIATURES)
def test_rows_are_counted_where_the_layers_begin(name: str) -> None:
    assert sequence_rows(encoder_of(name), pixels_of(name)) == MINIATURES[name]


def test_layers_of_another_make_are_left_alone() -> None:
    assert sequence_rows(nn.Sequential(nn.Conv2d(3, 4, 8)), torch.zeros(1, 3, 64, 64)) is None


@pytest.mark.parametrize(
    ("name", "rows", "soc", "form"),
    [
        ("tiny_smolvlm", 64, "SM8650", EncoderForm(64)),
        ("tiny_internvl3", 65, "SM8650", EncoderForm(65)),
        ("smolvlm_256m", 1024, "SM8550", EncoderForm(1024, True, mlp_rows=256)),
        ("smolvlm_500m", 1024, "SM8850", EncoderForm(1024, True, mlp_rows=256)),
        ("internvl3_1b", 1025, "SM8650", EncoderForm(1056, True, mlp_columns=1024)),
        ("smolvlm_500m", 1024, "SA8797", EncoderForm(1024)),
        ("smolvlm_500m", 1024, "SXR1230P", EncoderForm(1024, True, mlp_columns=1024)),
    ],
)
def test_a_form_is_chosen_by_what_fits_into_vtcm(
    name: str, rows: int, soc: str, form: EncoderForm
) -> None:
    assert choose_form(get_spec(name).vision, rows, get_soc(soc)) == form


def test_a_layer_keeps_its_path_for_recipes() -> None:
    from harness.backends.qnn.recipe import HtpRecipe, LayerOverride
    from harness.export.htp.modules import linears_to_convolutions
    from harness.export.htp.quantizer import layer_schemes

    form = EncoderForm(64, heads_apart=True, mlp_columns=96)
    encoder = linears_to_convolutions(with_form(encoder_of("tiny_smolvlm"), 64, form))
    override = LayerOverride(
        component="vision_encoder", pattern=r"layers\.0\.mlp\.fc2$", scheme="16a4w"
    )
    schemes = layer_schemes(encoder, "16a8w", HtpRecipe(), [override])
    layer = "vision_model.encoder.layers.0.mlp.fc2"
    pieces = {path for path, scheme in schemes.items() if scheme == "16a4w"}
    assert pieces == {f"{layer}.piece{index}.conv" for index in range(len(pieces))}
    assert len(pieces) > 1


def test_a_checkpoint_loads_as_before() -> None:
    spec = get_spec("tiny_smolvlm")
    names = SmolVlmEncoder(spec.vision, spec.text).state_dict()
    assert "vision_model.encoder.layers.0.self_attn.q_proj.weight" in names
    assert not [name for name in names if "mixing" in name]

"""Every layer of an HTP graph gets the weights that its recipe says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.backends.qnn.recipe import HtpRecipe, LayerOverride, WeightScheme
from harness.errors import UserError
from harness.export.htp.quantizer import layer_schemes


def convolved_linear(inputs: int) -> nn.Module:
    """What becomes of a linear: a 1x1 convolution named ``conv``."""
    return nn.ModuleDict({"conv": nn.Conv2d(inputs, 8, 1)})


@pytest.fixture
def module() -> nn.Module:
    """An encoder in small: a patch embedding and three linears."""
    return nn.ModuleDict(
        {
            "patch_embedding": nn.Conv2d(3, 64, 16),
            "layers": nn.ModuleList(
                [
                    nn.ModuleDict(
                        {"down_proj": convolved_linear(64), "down_proj_gate": convolved_linear(64)}
                    )
                ]
            ),
            "lm_head": convolved_linear(64),
        }
    )


def override(pattern: str, scheme: WeightScheme = "16a4w") -> LayerOverride:
    return LayerOverride(component="vision_encoder", pattern=pattern, scheme=scheme)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("down_proj$", {"layers.0.down_proj.conv"}),
        ("down_proj", {"layers.0.down_proj.conv", "layers.0.down_proj_gate.conv"}),
        ("^layers", {"layers.0.down_proj.conv", "layers.0.down_proj_gate.conv"}),
        ("patch|head", {"patch_embedding", "lm_head.conv"}),
    ],
)
def test_a_pattern_is_found_in_a_layers_own_path(
    module: nn.Module, pattern: str, found: set[str]
) -> None:
    schemes = layer_schemes(module, "16a8w", HtpRecipe(), [override(pattern)])
    assert {path for path, scheme in schemes.items() if scheme == "16a4w"} == found
    assert set(schemes.values()) == {"16a8w", "16a4w"}


def test_of_two_overrides_the_later_wins(module: nn.Module) -> None:
    overrides = [override("."), override("head", "16a8w")]
    schemes = layer_schemes(module, "16a4w_block", HtpRecipe(), overrides)
    assert [path for path, scheme in schemes.items() if scheme == "16a8w"] == ["lm_head.conv"]


def test_logits_get_8_bits_unless_an_override_says_otherwise(module: nn.Module) -> None:
    """A layer of few inputs and very many outputs, each of which is compared with all others."""
    found = layer_schemes(module, "16a4w_block", HtpRecipe(), [], "16a8w")
    assert found["lm_head.conv"] == "16a8w"
    overridden = layer_schemes(module, "16a4w_block", HtpRecipe(), [override("head")], "16a8w")
    assert overridden["lm_head.conv"] == "16a4w"


def test_an_override_that_finds_nothing_is_refused(module: nn.Module) -> None:
    with pytest.raises(UserError, match=r"'lm_heda' .* none of the 4 layers of the vision_encoder"):
        layer_schemes(module, "16a8w", HtpRecipe(), [override("lm_heda")])


def test_patches_have_no_inputs_for_blocks_and_get_8_bits(module: nn.Module) -> None:
    schemes = layer_schemes(module, "16a4w_block", HtpRecipe(), [])
    assert schemes.pop("patch_embedding") == "16a8w"
    assert set(schemes.values()) == {"16a4w_block"}


def test_inputs_that_make_no_whole_blocks_are_refused(module: nn.Module) -> None:
    with pytest.raises(UserError, match="64 inputs, which make no whole blocks of 48"):
        layer_schemes(module, "16a4w_block", HtpRecipe(block_size=48), [])


def test_inputs_are_counted_on_the_weights_whatever_a_layer_says_of_itself() -> None:
    """ExecuTorch's conversion of a linear with 96 inputs says that it has 48, its outputs."""
    projection = nn.Conv2d(48, 96, 1)
    projection.weight = nn.Parameter(torch.zeros(48, 96, 1, 1))
    component = nn.ModuleDict({"k_proj": nn.ModuleDict({"conv": projection})})
    found = layer_schemes(component, "16a4w_block", HtpRecipe(block_size=32), ())
    assert found == {"k_proj.conv": "16a4w_block"}

"""InternVL3's vision encoder: InternViT, pixel shuffle, two-layer projector (contract §3.2).

Parameter names are those of ``transformers``' InternVL without the outermost prefix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.export.graphs.vision_encoder import (
    EncoderLayer,
    LayerStack,
    Mlp,
    SelfAttention,
    pixel_shuffle,
)
from harness.vlm.spec import TextGeometry, VisionGeometry


class InternVitLayer(EncoderLayer):
    """Pre-norm encoder layer of InternViT with learned residual scales."""

    def __init__(self, geometry: VisionGeometry) -> None:
        super().__init__()
        width, eps = geometry.hidden_size, geometry.layer_norm_eps
        self.attention = SelfAttention(geometry, "projection_layer")
        self.mlp = Mlp(geometry, nn.GELU())
        self.layernorm_before = nn.LayerNorm(width, eps=eps)
        self.layernorm_after = nn.LayerNorm(width, eps=eps)
        self.lambda_1 = nn.Parameter(torch.ones(width))
        self.lambda_2 = nn.Parameter(torch.ones(width))

    def attend(self, x: Tensor) -> Tensor:
        """See :class:`EncoderLayer`."""
        attended: Tensor = self.lambda_1 * self.attention(self.layernorm_before(x))
        return attended

    def feed(self, x: Tensor, attended: Tensor) -> Tensor:
        """See :class:`EncoderLayer`."""
        x = x + attended
        y: Tensor = x + self.lambda_2 * self.mlp(self.layernorm_after(x))
        return y


class InternVl3Encoder(nn.Module):
    """InternViT with a class token that is dropped, pixel shuffle and a two-layer projector."""

    def __init__(self, vision: VisionGeometry, text: TextGeometry) -> None:
        super().__init__()
        self.vision = vision
        width, patch = vision.hidden_size, vision.patch_size_px
        embeddings = nn.Module()
        embeddings.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        embeddings.position_embeddings = nn.Parameter(
            torch.zeros(1, vision.patches_per_side**2 + 1, width)
        )
        embeddings.patch_embeddings = nn.ModuleDict(
            {"projection": nn.Conv2d(3, width, patch, stride=patch)}
        )
        layers = LayerStack(InternVitLayer(vision) for _ in range(vision.layers))
        self.vision_tower = nn.ModuleDict(
            {"embeddings": embeddings, "encoder": nn.ModuleDict({"layer": layers})}
        )
        folded = width * vision.shuffle_factor**2
        self.multi_modal_projector = nn.ModuleDict(
            {
                "layer_norm": nn.LayerNorm(folded),
                "linear_1": nn.Linear(folded, text.hidden_size),
                "linear_2": nn.Linear(text.hidden_size, text.hidden_size),
            }
        )

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Map float32 ``[1, 3, image, image]`` to ``[1, tokens_per_image, text hidden]``."""
        embeddings = self.vision_tower.get_submodule("embeddings")
        patches = embeddings.get_submodule("patch_embeddings.projection")(pixel_values)
        x = torch.cat(
            [embeddings.get_parameter("cls_token"), patches.flatten(2).transpose(1, 2)], dim=1
        )
        x = x + embeddings.get_parameter("position_embeddings")
        x = self.vision_tower.get_submodule("encoder.layer")(x)
        x = pixel_shuffle(x[:, 1:], self.vision.patches_per_side, self.vision.shuffle_factor)
        projector = self.multi_modal_projector
        x = projector.get_submodule("linear_1")(projector.get_submodule("layer_norm")(x))
        y: Tensor = projector.get_submodule("linear_2")(nn.functional.gelu(x))
        return y

"""Vision encoders of both families with fixed shapes (contract §3.2).

Parameter names are those of ``transformers`` without the outermost prefix, so that a checkpoint
loads with ``strict=True`` and no weight can stay random.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from harness.vlm.spec import TextGeometry, VisionGeometry


def pixel_shuffle(x: Tensor, patches_per_side: int, factor: int) -> Tensor:
    """Fold ``factor`` x ``factor`` neighbouring patches into one row (contract §3.2).

    Args:
        x: ``[1, patches, channels]`` in row-major order.
        patches_per_side: Side of the square of patches.
        factor: Patches per side of one folded square.

    Returns:
        ``[1, patches / factor**2, channels * factor**2]``.
    """
    side, channels = patches_per_side, x.shape[-1]
    folded = side // factor
    x = x.reshape(side, folded, channels * factor).transpose(0, 1)
    x = x.reshape(folded, folded, channels * factor * factor).transpose(0, 1)
    return x.reshape(1, folded * folded, channels * factor * factor)


class SelfAttention(nn.Module):
    """Bidirectional attention; the output projection's name differs between the families."""

    def __init__(self, geometry: VisionGeometry, output_name: str) -> None:
        super().__init__()
        width = geometry.hidden_size
        self.heads = geometry.heads
        self.head_dim = width // geometry.heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.output_name = output_name
        self.add_module(output_name, nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        shape = (x.shape[1], self.heads, self.head_dim)
        q, k, v = (
            projection(x).view(shape).transpose(0, 1)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        scores = torch.bmm(q, k.transpose(1, 2)) * self.head_dim**-0.5
        mixed = torch.bmm(torch.softmax(scores, dim=-1), v)
        merged = mixed.transpose(0, 1).reshape(1, x.shape[1], self.heads * self.head_dim)
        output: Tensor = self.get_submodule(self.output_name)(merged)
        return output


class TanhGelu(nn.Module):
    """GELU in its tanh form, written out (Hendrycks and Gimpel, arXiv 1606.08415, section 2).

    XNNPACK computes the exact form whatever ``approximate`` says, 4.7e-4 off per activation.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + torch.tanh(inner))


class Mlp(nn.Module):
    """Two linears around an activation."""

    def __init__(self, geometry: VisionGeometry, activation: nn.Module) -> None:
        super().__init__()
        self.fc1 = nn.Linear(geometry.hidden_size, geometry.intermediate_size)
        self.fc2 = nn.Linear(geometry.intermediate_size, geometry.hidden_size)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        y: Tensor = self.fc2(self.activation(self.fc1(x)))
        return y


class SiglipLayer(nn.Module):
    """Pre-norm encoder layer of SigLIP."""

    def __init__(self, geometry: VisionGeometry) -> None:
        super().__init__()
        width, eps = geometry.hidden_size, geometry.layer_norm_eps
        self.layer_norm1 = nn.LayerNorm(width, eps=eps)
        self.self_attn = SelfAttention(geometry, "out_proj")
        self.layer_norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Mlp(geometry, TanhGelu())

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        x = x + self.self_attn(self.layer_norm1(x))
        y: Tensor = x + self.mlp(self.layer_norm2(x))
        return y


class SmolVlmEncoder(nn.Module):
    """SigLIP, pixel shuffle and one linear without bias.

    Position ids are 0, 1, 2, ... on both axes, as in ``transformers``; upstream's exporter is off
    by one here (contract §3.4).
    """

    def __init__(self, vision: VisionGeometry, text: TextGeometry) -> None:
        super().__init__()
        self.vision = vision
        width, patch = vision.hidden_size, vision.patch_size_px
        self.vision_model = nn.ModuleDict(
            {
                "embeddings": nn.ModuleDict(
                    {
                        "patch_embedding": nn.Conv2d(3, width, patch, stride=patch),
                        "position_embedding": nn.Embedding(vision.patches_per_side**2, width),
                    }
                ),
                "encoder": nn.ModuleDict(
                    {"layers": nn.ModuleList(SiglipLayer(vision) for _ in range(vision.layers))}
                ),
                "post_layernorm": nn.LayerNorm(width, eps=vision.layer_norm_eps),
            }
        )
        projection = nn.Linear(width * vision.shuffle_factor**2, text.hidden_size, bias=False)
        self.connector = nn.ModuleDict({"modality_projection": nn.ModuleDict({"proj": projection})})

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Map float32 ``[1, 3, image, image]`` to ``[1, tokens_per_image, text hidden]``."""
        embeddings = self.vision_model.get_submodule("embeddings")
        x = embeddings.get_submodule("patch_embedding")(pixel_values).flatten(2).transpose(1, 2)
        x = x + embeddings.get_parameter("position_embedding.weight")
        for layer in self.vision_model.get_submodule("encoder.layers").children():
            x = layer(x)
        x = self.vision_model.get_submodule("post_layernorm")(x)
        x = pixel_shuffle(x, self.vision.patches_per_side, self.vision.shuffle_factor)
        y: Tensor = self.connector.get_submodule("modality_projection.proj")(x)
        return y


class InternVitLayer(nn.Module):
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

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, 1 + patches, width]`` to the same shape."""
        x = x + self.lambda_1 * self.attention(self.layernorm_before(x))
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
        layers = nn.ModuleList(InternVitLayer(vision) for _ in range(vision.layers))
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
        for layer in self.vision_tower.get_submodule("encoder.layer").children():
            x = layer(x)
        x = pixel_shuffle(x[:, 1:], self.vision.patches_per_side, self.vision.shuffle_factor)
        projector = self.multi_modal_projector
        x = projector.get_submodule("linear_1")(projector.get_submodule("layer_norm")(x))
        y: Tensor = projector.get_submodule("linear_2")(nn.functional.gelu(x))
        return y

"""SmolVLM's vision encoder: SigLIP, pixel shuffle, linear projector (contract §3.2).

Parameter names are those of ``transformers``' Idefics3 without the outermost prefix.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.export.graphs.vision_encoder import (
    EncoderLayer,
    LayerStack,
    Mlp,
    SelfAttention,
    TanhGelu,
    pixel_shuffle,
)
from harness.vlm.spec import TextGeometry, VisionGeometry


class SiglipLayer(EncoderLayer):
    """Pre-norm encoder layer of SigLIP."""

    def __init__(self, geometry: VisionGeometry) -> None:
        super().__init__()
        width, eps = geometry.hidden_size, geometry.layer_norm_eps
        self.layer_norm1 = nn.LayerNorm(width, eps=eps)
        self.self_attn = SelfAttention(geometry, "out_proj")
        self.layer_norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Mlp(geometry, TanhGelu())

    def attend(self, x: Tensor) -> Tensor:
        """See :class:`EncoderLayer`."""
        attended: Tensor = self.self_attn(self.layer_norm1(x))
        return attended

    def feed(self, x: Tensor, attended: Tensor) -> Tensor:
        """See :class:`EncoderLayer`."""
        x = x + attended
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
                    {"layers": LayerStack(SiglipLayer(vision) for _ in range(vision.layers))}
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
        x = self.vision_model.get_submodule("encoder.layers")(x)
        x = self.vision_model.get_submodule("post_layernorm")(x)
        x = pixel_shuffle(x, self.vision.patches_per_side, self.vision.shuffle_factor)
        y: Tensor = self.connector.get_submodule("modality_projection.proj")(x)
        return y

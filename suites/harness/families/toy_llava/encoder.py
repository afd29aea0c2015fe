"""Toy LLaVA's vision encoder, under the parameter names of ``transformers``."""

from __future__ import annotations

from torch import Tensor, nn

from harness.export.graphs.vision_encoder import (
    EncoderLayer,
    LayerStack,
    Mlp,
    SelfAttention,
    TanhGelu,
)
from harness.vlm.spec import TextGeometry, VisionGeometry


class Layer(EncoderLayer):
    """Pre-norm encoder layer."""

    def __init__(self, geometry: VisionGeometry) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(geometry.hidden_size, eps=geometry.layer_norm_eps)
        self.self_attn = SelfAttention(geometry, "out_proj")
        self.layer_norm2 = nn.LayerNorm(geometry.hidden_size, eps=geometry.layer_norm_eps)
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


class ToyEncoder(nn.Module):
    """The last layer's rows, not normalized, and a projector of two linears."""

    def __init__(self, vision: VisionGeometry, text: TextGeometry) -> None:
        super().__init__()
        width, patch = vision.hidden_size, vision.patch_size_px
        self.vision_tower = nn.ModuleDict(
            {
                "embeddings": nn.ModuleDict(
                    {
                        "patch_embedding": nn.Conv2d(3, width, patch, stride=patch),
                        "position_embedding": nn.Embedding(vision.patches_per_side**2, width),
                    }
                ),
                "encoder": nn.ModuleDict(
                    {"layers": LayerStack(Layer(vision) for _ in range(vision.layers))}
                ),
                # LLaVA reads rows from before it; it is here so that no weight is left over.
                "post_layernorm": nn.LayerNorm(width, eps=vision.layer_norm_eps),
            }
        )
        self.multi_modal_projector = nn.ModuleDict(
            {
                "linear_1": nn.Linear(width, text.hidden_size),
                "linear_2": nn.Linear(text.hidden_size, text.hidden_size),
            }
        )

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Map float32 ``[1, 3, image, image]`` to ``[1, tokens_per_image, text hidden]``."""
        embeddings = self.vision_tower.get_submodule("embeddings")
        x = embeddings.get_submodule("patch_embedding")(pixel_values).flatten(2).transpose(1, 2)
        x = x + embeddings.get_parameter("position_embedding.weight")
        x = self.vision_tower.get_submodule("encoder.layers")(x)
        x = nn.functional.gelu(self.multi_modal_projector.get_submodule("linear_1")(x))
        y: Tensor = self.multi_modal_projector.get_submodule("linear_2")(x)
        return y

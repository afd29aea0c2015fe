"""InternVL3: InternViT encoder, MLP projector, Qwen2 decoder (``InternVL`` classes)."""

from __future__ import annotations

from harness.vlm.hub_config import (
    ConfigSection,
    inverse,
    require,
    section,
    text_geometry,
    vision_geometry,
    with_defaults,
)
from harness.vlm.mode import LookaheadShape
from harness.vlm.spec import (
    Preprocessing,
    PromptFormat,
    TextGeometry,
    VisionGeometry,
    VlmFamily,
    VlmSpec,
)

VISION_DEFAULTS: ConfigSection = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_channels": 3,
    "image_size": (448, 448),
    "patch_size": (14, 14),
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "norm_type": "layer_norm",
    "attention_bias": False,
    "use_qk_norm": False,
    "use_mean_pooling": True,
    "use_absolute_position_embeddings": True,
}
"""``InternVLVisionConfig`` of transformers 5.23 (``configuration_internvl.py``)."""

BUILT_VISION: ConfigSection = {
    "num_channels": 3,
    "hidden_act": "gelu",
    "norm_type": "layer_norm",
    "attention_bias": True,
    "use_qk_norm": False,
    "use_mean_pooling": True,
    "use_absolute_position_embeddings": True,
}
"""What the static encoder implements; without mean pooling a last layer norm would follow."""

TEXT_DEFAULTS: ConfigSection = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "use_sliding_window": False,
    "model_type": "qwen2",
    "max_position_embeddings": 32768,
    "eos_token_id": None,
}
"""``Qwen2Config`` of transformers 5.23 (``configuration_qwen2.py``)."""

MODEL_DEFAULTS: ConfigSection = {
    "downsample_ratio": 0.5,
    "projector_hidden_act": "gelu",
    "vision_feature_layer": -1,
    "vision_feature_select_strategy": "default",
    "image_token_id": 151667,
    "tie_word_embeddings": True,
}
"""``InternVLConfig`` of transformers 5.23 (``configuration_internvl.py``)."""

BUILT_MODEL: ConfigSection = {
    "projector_hidden_act": "gelu",
    "vision_feature_layer": -1,
    "vision_feature_select_strategy": "default",
}

PROCESSOR_DEFAULTS: ConfigSection = {
    "image_mean": (0.48145466, 0.4578275, 0.40821073),
    "image_std": (0.26862954, 0.26130258, 0.27577711),
    "size": {"height": 384, "width": 384},
}
"""``GotOcr2ImageProcessor`` of transformers 5.23, the image processor of this family."""


def read_geometry(config: ConfigSection) -> tuple[VisionGeometry, TextGeometry]:
    """Read both geometries from the ``config.json`` of an ``InternVL`` checkpoint.

    Raises:
        UserError: If it has a setting that the export does not implement.
    """
    model = with_defaults(config, MODEL_DEFAULTS)
    require(model, BUILT_MODEL)
    vision = with_defaults(section(model, "vision_config"), VISION_DEFAULTS)
    require(vision, BUILT_VISION, "vision_config.")
    text = with_defaults(section(model, "text_config"), TEXT_DEFAULTS)
    required = {"model_type": "qwen2", "hidden_act": "silu", "use_sliding_window": False}
    require(text, required, "text_config.")
    shuffle_factor = inverse(model, "downsample_ratio")
    return vision_geometry(vision, shuffle_factor), text_geometry(text, qkv_bias=True)


FAMILY = VlmFamily(
    name="internvl3",
    architecture="InternVLForConditionalGeneration",
    prompt=PromptFormat(
        image_start="<img>",
        image_global="",
        image_end="</img>",
        system_prefix="<|im_start|>system<|im_end|>\n\n",
        system_suffix="<|im_end|>",
        turn_prefix="<|im_start|>user:\n",
        turn_suffix="<|im_end|>assistant\n",
    ),
    preprocessing=Preprocessing(
        resampling="bicubic",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        unused_settings=("crop_to_patches",),
        defaults=PROCESSOR_DEFAULTS,
    ),
    image_token="<IMG_CONTEXT>",
    stop_tokens=("<|im_end|>", "<|endoftext|>"),
    # Of Qwen2.5's base model, whose configuration is kept.
    published_stop_tokens=("<|endoftext|>",),
    # The conversion adds ten tokens to Qwen2.5's, and the embedding has nine further rows.
    tokens_without_row=("<video>", "</box>"),
    published_prompts=("<|im_start|>user\n<image>\n{question}<|im_end|>\n<|im_start|>assistant\n",),
    model_type="internvl",
    config_defaults={**MODEL_DEFAULTS, "text_config": TEXT_DEFAULTS},
    has_image_axis=False,
    read_geometry=read_geometry,
    key_layout={
        "vision_encoder": ((r"^(?:model\.)?(vision_tower\.|multi_modal_projector\.)", r"\1"),),
        "token_embedding": (
            (r"^(?:model\.)?language_model\.(?:model\.)?embed_tokens\.", "embedding."),
        ),
        "text_decoder": (
            (r"^(?:model\.)?language_model\.(?:model\.)?(layers\.|norm\.)", r"\1"),
            (r"^(?:language_model\.)?lm_head\.", "lm_head."),
        ),
    },
    encoder="harness.export.families.internvl3:InternVl3Encoder",
    vision_layers="vision_tower.encoder.layer",
    projector="multi_modal_projector.layer_norm",
    miniature="training.families.internvl3:MINIATURE",
)

INTERNVL3_1B = VlmSpec(
    name="internvl3_1b",
    family=FAMILY,
    upstream_name="internvl3_1b",
    hub_id="OpenGVLab/InternVL3-1B-hf",
    revision="main",
    vision=VisionGeometry(
        image_size_px=448,
        patch_size_px=14,
        hidden_size=1024,
        intermediate_size=4096,
        layers=24,
        heads=16,
        shuffle_factor=2,
        layer_norm_eps=1e-6,
    ),
    text=TextGeometry(
        hidden_size=896,
        intermediate_size=4864,
        layers=24,
        heads=14,
        kv_heads=2,
        head_dim=64,
        vocab_size=151674,
        rope_theta=1_000_000.0,
        rms_norm_eps=1e-6,
        qkv_bias=True,
    ),
    context_length=1024,
    max_positions=32768,
    prefill_ar=32,
)

TINY_INTERNVL3 = VlmSpec(
    name="tiny_internvl3",
    family=FAMILY,
    is_miniature=True,
    vision=VisionGeometry(
        image_size_px=64,
        patch_size_px=8,
        hidden_size=128,
        intermediate_size=256,
        layers=3,
        heads=4,
        shuffle_factor=2,
        layer_norm_eps=1e-6,
    ),
    text=TextGeometry(
        hidden_size=96,
        intermediate_size=256,
        layers=3,
        heads=6,
        kv_heads=3,
        head_dim=16,
        vocab_size=512,
        rope_theta=10_000.0,
        rms_norm_eps=1e-6,
        qkv_bias=True,
    ),
    context_length=256,
    max_positions=256,
    prefill_ar=32,
    lookahead=LookaheadShape(window=4, ngram=5, gcap=4),
)

MODELS = (INTERNVL3_1B, TINY_INTERNVL3)

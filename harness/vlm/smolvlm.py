"""SmolVLM: SigLIP encoder, linear projector, Llama decoder (``Idefics3`` classes)."""

from __future__ import annotations

from harness.vlm.hub_config import (
    ConfigSection,
    count,
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
    "hidden_size": 1152,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 16,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
}
"""``Idefics3VisionConfig`` of transformers 5.23 (``configuration_idefics3.py``)."""

TEXT_DEFAULTS: ConfigSection = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "attention_bias": False,
    "mlp_bias": False,
    "model_type": "llama",
    "max_position_embeddings": 2048,
    "eos_token_id": 2,
}
"""``LlamaConfig`` of transformers 5.23 (``configuration_llama.py``)."""

MODEL_DEFAULTS: ConfigSection = {
    "image_token_id": 128257,
    "tie_word_embeddings": False,
    "scale_factor": 2,
}
"""``Idefics3Config`` of transformers 5.23 (``configuration_idefics3.py``)."""

TEXT_DEFAULTS_OF_NO_SECTION: ConfigSection = {"rms_norm_eps": 1e-5}
"""What ``Idefics3Config`` gives a decoder of which it is told nothing at all."""

PROCESSOR_DEFAULTS: ConfigSection = {
    "size": {"longest_edge": 1456},
    "max_image_size": {"longest_edge": 364},
}
"""``Idefics3ImageProcessor`` of transformers 5.23, the image processor of this family."""


def read_geometry(config: ConfigSection) -> tuple[VisionGeometry, TextGeometry]:
    """Read both geometries from the ``config.json`` of an ``Idefics3`` checkpoint.

    Raises:
        UserError: If it has a setting that the export does not implement.
    """
    model = with_defaults(config, MODEL_DEFAULTS)
    vision = with_defaults(section(model, "vision_config"), VISION_DEFAULTS)
    require(vision, {"num_channels": 3, "hidden_act": "gelu_pytorch_tanh"}, "vision_config.")
    text = section(model, "text_config", TEXT_DEFAULTS_OF_NO_SECTION)
    text = with_defaults(text, TEXT_DEFAULTS)
    required = {
        "model_type": "llama",
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
    }
    require(text, required, "text_config.")
    shuffle_factor = count(model, "scale_factor")
    return vision_geometry(vision, shuffle_factor), text_geometry(text, qkv_bias=False)


FAMILY = VlmFamily(
    name="smolvlm",
    architecture="Idefics3ForConditionalGeneration",
    prompt=PromptFormat(
        image_start="<fake_token_around_image>",
        image_global="<global-img>",
        image_end="<fake_token_around_image>",
        system_prefix="<|start_header_id|>system<|end_header_id|>\n\n",
        system_suffix="<|eot_id|>",
        turn_prefix="<|im_start|>User:",
        turn_suffix="<end_of_utterance>\nAssistant:",
    ),
    preprocessing=Preprocessing(
        resampling="lanczos",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        side_settings=("max_image_size.longest_edge", "size.height", "size.width"),
        multiple_settings=("size.longest_edge",),
        unused_settings=("do_image_splitting", "do_pad"),
        defaults=PROCESSOR_DEFAULTS,
    ),
    image_token="<image>",
    stop_tokens=("<end_of_utterance>", "<|endoftext|>"),
    idle_stop_tokens=("<|im_end|>",),
    model_type="idefics3",
    # SmolVLM2, which differs in how it samples videos.
    equal_architectures=("SmolVLMForConditionalGeneration", "smolvlm"),
    config_defaults={**MODEL_DEFAULTS, "text_config": TEXT_DEFAULTS},
    has_image_axis=True,
    read_geometry=read_geometry,
    key_layout={
        "vision_encoder": ((r"^(?:model\.)?(vision_model\.|connector\.)", r"\1"),),
        "token_embedding": ((r"^(?:model\.)?text_model\.embed_tokens\.", "embedding."),),
        "text_decoder": (
            (r"^(?:model\.)?text_model\.(layers\.|norm\.)", r"\1"),
            (r"^lm_head\.", "lm_head."),
        ),
    },
    encoder="harness.export.families.smolvlm:SmolVlmEncoder",
    vision_layers="vision_model.encoder.layers",
    projector="connector.modality_projection.proj",
    miniature="training.families.smolvlm:MINIATURE",
)

SIGLIP_BASE_512 = VisionGeometry(
    image_size_px=512,
    patch_size_px=16,
    hidden_size=768,
    intermediate_size=3072,
    layers=12,
    heads=12,
    shuffle_factor=4,
    layer_norm_eps=1e-6,
)
"""Vision encoder of both published sizes."""

SMOLVLM_500M = VlmSpec(
    name="smolvlm_500m",
    family=FAMILY,
    upstream_name="smolvlm_500m_instruct",
    hub_id="HuggingFaceTB/SmolVLM-500M-Instruct",
    revision="main",
    vision=SIGLIP_BASE_512,
    text=TextGeometry(
        hidden_size=960,
        intermediate_size=2560,
        layers=32,
        heads=15,
        kv_heads=5,
        head_dim=64,
        vocab_size=49280,
        rope_theta=100_000.0,
        rms_norm_eps=1e-5,
        qkv_bias=False,
    ),
    context_length=1024,
    max_positions=8192,
    prefill_ar=16,
)

SMOLVLM_256M = VlmSpec(
    name="smolvlm_256m",
    family=FAMILY,
    hub_id="HuggingFaceTB/SmolVLM-256M-Instruct",
    revision="main",
    vision=SIGLIP_BASE_512,
    text=TextGeometry(
        hidden_size=576,
        intermediate_size=1536,
        layers=30,
        heads=9,
        kv_heads=3,
        head_dim=64,
        vocab_size=49280,
        rope_theta=100_000.0,
        rms_norm_eps=1e-5,
        qkv_bias=False,
    ),
    context_length=1024,
    max_positions=8192,
    prefill_ar=16,
)

TINY_SMOLVLM = VlmSpec(
    name="tiny_smolvlm",
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
        heads=4,
        kv_heads=2,
        head_dim=24,
        vocab_size=512,
        rope_theta=10_000.0,
        rms_norm_eps=1e-5,
        qkv_bias=False,
    ),
    context_length=256,
    max_positions=256,
    prefill_ar=16,
    lookahead=LookaheadShape(window=4, ngram=5, gcap=4),
)

MODELS = (SMOLVLM_500M, SMOLVLM_256M, TINY_SMOLVLM)

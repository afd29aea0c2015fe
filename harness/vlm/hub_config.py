"""Geometry out of a ``config.json``: what it leaves out, and what no static module implements.

Configurations on the hub state only what differs from the defaults of their ``transformers`` class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UserError
from harness.vlm.spec import TextGeometry, VisionGeometry

ConfigSection = Mapping[str, Any]

ROPE_TYPES = ("default", "dynamic")
"""Rotary embeddings that equal the plain one.

Dynamic NTK scaling begins beyond ``max_position_embeddings`` (``_compute_dynamic_ntk_parameters``
in ``transformers/modeling_rope_utils.py``), 32,768 tokens for InternVL3; compiled contexts are far
shorter.
"""

DEFAULT_ROPE_THETA = 10_000.0
"""``RotaryEmbeddingConfigMixin.default_theta`` of ``transformers``, for Llama as for Qwen2."""


def with_defaults(stated: ConfigSection, defaults: ConfigSection) -> ConfigSection:
    """Fill in what a configuration does not state."""
    return {**defaults, **stated}


def require(settings: ConfigSection, required: ConfigSection, prefix: str = "") -> None:
    """Refuse settings that change the graph and that the export does not build.

    Args:
        settings: With defaults filled in.
        required: The only value that each of these settings may have.
        prefix: Where in ``config.json`` they are, ``vision_config.`` say, for the message.

    Raises:
        UserError: If a setting has another value.
    """
    for name, value in required.items():
        if settings[name] != value:
            raise _refusal(f"{prefix}{name}", settings[name], repr(value))


def require_plain_rope(text: ConfigSection) -> None:
    """Refuse rotary embeddings with scaled frequencies, in the spelling of any ``transformers``.

    Raises:
        UserError: If ``rope_parameters`` or ``rope_scaling`` name a type beyond ``ROPE_TYPES``.
    """
    for place in ("rope_parameters", "rope_scaling"):
        rope = text.get(place) or {}
        found = rope.get("rope_type", rope.get("type", "default"))
        if found not in ROPE_TYPES:
            raise _refusal(f"text_config.{place}.rope_type", found, " or ".join(ROPE_TYPES))


def vision_geometry(vision: ConfigSection, shuffle_factor: int) -> VisionGeometry:
    """Geometry of a vision encoder.

    Args:
        vision: Its configuration, with defaults filled in.
        shuffle_factor: See ``VisionGeometry``.

    Raises:
        UserError: If the image or a patch is no square.
    """
    return VisionGeometry(
        image_size_px=_square_side(vision["image_size"], "image_size"),
        patch_size_px=_square_side(vision["patch_size"], "patch_size"),
        hidden_size=vision["hidden_size"],
        intermediate_size=vision["intermediate_size"],
        layers=vision["num_hidden_layers"],
        heads=vision["num_attention_heads"],
        shuffle_factor=shuffle_factor,
        layer_norm_eps=vision["layer_norm_eps"],
    )


def text_geometry(text: ConfigSection, qkv_bias: bool) -> TextGeometry:
    """Geometry of a decoder of Llama's layout.

    Args:
        text: Its configuration, with defaults filled in.
        qkv_bias: Whether the projections of Q, K and V have a bias.

    Raises:
        UserError: If the frequencies of its rotary embedding are scaled.
    """
    require_plain_rope(text)
    heads = text["num_attention_heads"]
    return TextGeometry(
        hidden_size=text["hidden_size"],
        intermediate_size=text["intermediate_size"],
        layers=text["num_hidden_layers"],
        heads=heads,
        kv_heads=text["num_key_value_heads"] or heads,
        head_dim=int(text.get("head_dim") or text["hidden_size"] // heads),
        vocab_size=text["vocab_size"],
        rope_theta=_rope_theta(text),
        rms_norm_eps=text["rms_norm_eps"],
        qkv_bias=qkv_bias,
    )


def _rope_theta(text: ConfigSection) -> float:
    """Rotary base, which transformers 4 and 5 keep in different places of ``config.json``."""
    nested = text.get("rope_parameters") or {}
    stated = nested.get("rope_theta", text.get("rope_theta"))
    return DEFAULT_ROPE_THETA if stated is None else float(stated)


def _square_side(size: int | list[int] | tuple[int, ...], name: str) -> int:
    """Side in pixels of a size that is stated as one number or as height and width."""
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise _refusal(f"vision_config.{name}", size, "a square")
    return int(sides.pop())


def _refusal(setting: str, found: object, built: str) -> UserError:
    return UserError(
        f"The checkpoint's config.json has {setting} {found!r}, but only {built} can be exported; "
        "name another checkpoint with --checkpoint."
    )

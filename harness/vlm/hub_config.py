"""Geometry out of a ``config.json``: what it leaves out, and what no static module implements.

Configurations on the hub state only what differs from the defaults of their ``transformers`` class.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
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

_FULL_LAYER = "full_attention"

DEFAULT_ROPE_THETA = 10_000.0
"""``RotaryEmbeddingConfigMixin.default_theta`` of ``transformers``, for Llama as for Qwen2."""


def section(
    config: ConfigSection, name: str, defaults: ConfigSection = MappingProxyType({})
) -> ConfigSection:
    """A part of a configuration; ``defaults`` where it is left out or null.

    Raises:
        UserError: If it is something else than an object.
    """
    stated = config.get(name)
    if stated is None:
        return defaults
    if not isinstance(stated, Mapping):
        raise _refusal(name, stated, "an object")
    return stated


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
    """Refuse rotary embeddings with scaled or missing frequencies, and layers with a window.

    Raises:
        UserError: If ``rope_parameters`` or ``rope_scaling`` name a type beyond ``ROPE_TYPES``, or
            not all of a head is rotated, or ``layer_types`` names other layers than full ones.
    """
    for place in ("rope_parameters", "rope_scaling"):
        rope = section(text, place)
        found = rope.get("rope_type", rope.get("type", "default"))
        if found not in ROPE_TYPES:
            raise _refusal(f"text_config.{place}.rope_type", found, " or ".join(ROPE_TYPES))
        require_whole_heads(rope, f"text_config.{place}.")
    require_whole_heads(text, "text_config.")
    for layer_type in text.get("layer_types") or ():
        if layer_type != _FULL_LAYER:
            raise _refusal("text_config.layer_types", layer_type, _FULL_LAYER)


def require_whole_heads(rope: ConfigSection, prefix: str) -> None:
    """Refuse a rotary embedding of a part of each head.

    Raises:
        UserError: If ``partial_rotary_factor`` is another one than 1.
    """
    factor = rope.get("partial_rotary_factor")
    if factor not in (None, 1):
        raise _refusal(f"{prefix}partial_rotary_factor", factor, "1")


def vision_geometry(vision: ConfigSection, shuffle_factor: int) -> VisionGeometry:
    """Geometry of a vision encoder.

    Args:
        vision: Its configuration, with defaults filled in.
        shuffle_factor: See ``VisionGeometry``.

    Raises:
        UserError: If the image or a patch is no square.
    """
    image_size_px = _square_side(vision["image_size"], "image_size")
    patch_size_px = _square_side(vision["patch_size"], "patch_size")
    heads = count(vision, "num_attention_heads", "vision_config.")
    hidden_size = count(vision, "hidden_size", "vision_config.")
    if image_size_px % (patch_size_px * shuffle_factor):
        raise _refusal(
            "vision_config.image_size",
            image_size_px,
            f"a multiple of {patch_size_px * shuffle_factor}, {shuffle_factor} patches of "
            f"{patch_size_px} pixels,",
        )
    _require_whole(hidden_size, heads, "vision_config.hidden_size", "heads")
    return VisionGeometry(
        image_size_px=image_size_px,
        patch_size_px=patch_size_px,
        hidden_size=hidden_size,
        intermediate_size=count(vision, "intermediate_size", "vision_config."),
        layers=count(vision, "num_hidden_layers", "vision_config."),
        heads=heads,
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
    heads = count(text, "num_attention_heads", "text_config.")
    hidden_size = count(text, "hidden_size", "text_config.")
    kv_heads = heads
    if text["num_key_value_heads"] is not None:
        kv_heads = count(text, "num_key_value_heads", "text_config.")
    _require_whole(heads, kv_heads, "text_config.num_attention_heads", "KV heads")
    if text.get("head_dim") is None:
        _require_whole(hidden_size, heads, "text_config.hidden_size", "heads")
        head_dim = hidden_size // heads
    else:
        head_dim = count(text, "head_dim", "text_config.")
    return TextGeometry(
        hidden_size=hidden_size,
        intermediate_size=count(text, "intermediate_size", "text_config."),
        layers=count(text, "num_hidden_layers", "text_config."),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocab_size=count(text, "vocab_size", "text_config."),
        rope_theta=_rope_theta(text),
        rms_norm_eps=text["rms_norm_eps"],
        qkv_bias=qkv_bias,
    )


def _rope_theta(text: ConfigSection) -> float:
    """Rotary base, which transformers 4 and 5 keep in different places of ``config.json``.

    Of two objects ``rope_scaling`` counts (``convert_rope_params_to_dict`` of transformers 5.23).
    """
    nested = section(text, "rope_scaling") or section(text, "rope_parameters")
    stated = nested.get("rope_theta", text.get("rope_theta"))
    return DEFAULT_ROPE_THETA if stated is None else float(stated)


def count(settings: ConfigSection, name: str, prefix: str = "") -> int:
    """A setting that is a number of things.

    Raises:
        UserError: If it is no whole number of 1 or more.
    """
    value = settings[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _refusal(f"{prefix}{name}", value, "a number of 1 or more")
    return value


def inverse(settings: ConfigSection, name: str) -> int:
    """The whole number that a setting is one part of.

    Raises:
        UserError: If it is a part of none.
    """
    value = settings[name]
    is_part = isinstance(value, int | float) and 0 < value <= 1
    if not is_part or abs(1 / value - round(1 / value)) > 1e-6:
        raise _refusal(name, value, "one part of a whole number")
    parts: int = round(1 / value)
    return parts


def _require_whole(whole: int, parts: int, setting: str, what: str) -> None:
    if whole % parts:
        raise _refusal(setting, whole, f"a multiple of {parts} {what}")


def _square_side(size: int | list[int] | tuple[int, ...], name: str) -> int:
    """Side in pixels of a size that is stated as one number or as height and width."""
    sides = {size} if isinstance(size, int) else set(size)
    side = sides.pop()
    if sides or not isinstance(side, int) or side < 1:
        raise _refusal(f"vision_config.{name}", size, "a square")
    return side


def _refusal(setting: str, found: object, built: str) -> UserError:
    return UserError(
        f"The checkpoint's config.json has {setting} {found!r}, but only {built} can be exported; "
        "name another checkpoint with --checkpoint."
    )

"""Settings of a ``config.json``: what it leaves out, and what no static module implements.

Configurations on the hub state only what differs from the defaults of their ``transformers`` class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UserError

Settings = Mapping[str, Any]

ROPE_TYPES = ("default", "dynamic")
"""Rotary embeddings that equal the plain one.

Dynamic NTK scaling begins beyond ``max_position_embeddings`` (``_compute_dynamic_ntk_parameters``
in ``transformers/modeling_rope_utils.py``), 32,768 tokens for InternVL3; compiled contexts are far
shorter.
"""


def with_defaults(stated: Settings, defaults: Settings) -> Settings:
    """Fill in what a configuration does not state."""
    return {**defaults, **stated}


def require(settings: Settings, required: Settings, prefix: str = "") -> None:
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


def require_plain_rope(text: Settings) -> None:
    """Refuse rotary embeddings with scaled frequencies, in the spelling of any ``transformers``.

    Raises:
        UserError: If ``rope_parameters`` or ``rope_scaling`` name a type beyond ``ROPE_TYPES``.
    """
    for place in ("rope_parameters", "rope_scaling"):
        rope = text.get(place) or {}
        found = rope.get("rope_type", rope.get("type", "default"))
        if found not in ROPE_TYPES:
            raise _refusal(f"text_config.{place}.rope_type", found, " or ".join(ROPE_TYPES))


def rope_theta(text: Settings, default: float = 10_000.0) -> float:
    """Rotary base, which transformers 4 and 5 keep in different places of ``config.json``.

    Args:
        text: The text configuration.
        default: ``RotaryEmbeddingConfigMixin.default_theta`` of ``transformers``, the same for
            ``LlamaConfig`` and ``Qwen2Config``.
    """
    nested = text.get("rope_parameters") or {}
    stated = nested.get("rope_theta", text.get("rope_theta"))
    return default if stated is None else float(stated)


def square_side(size: int | list[int] | tuple[int, ...], name: str) -> int:
    """Side in pixels of a size that is stated as one number or as height and width.

    Raises:
        UserError: If the two differ.
    """
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise _refusal(f"vision_config.{name}", size, "a square")
    return int(sides.pop())


def head_dim(text: Settings) -> int:
    """Width of an attention head; the hidden size shared out where it is not stated."""
    return int(text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"])


def _refusal(setting: str, found: object, built: str) -> UserError:
    return UserError(
        f"The checkpoint's config.json has {setting} {found!r}, but only {built} can be exported; "
        "name another checkpoint with --checkpoint."
    )

"""The shape of a vision-language model as every other room sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.vlm.mode import UPSTREAM_LOOKAHEAD, LookaheadShape
from harness.vocabulary import Component

Resampling = Literal["lanczos", "bicubic"]

_FEW_WEIGHTS = 20_000_000


@dataclass(frozen=True)
class VisionGeometry:
    """Vision encoder and projector: ``[1, 3, image, image]`` pixels to ``tokens_per_image`` rows.

    ``shuffle_factor`` is the number of patches per side that pixel shuffle folds into one token.
    """

    image_size_px: int
    patch_size_px: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    shuffle_factor: int
    layer_norm_eps: float

    @property
    def patches_per_side(self) -> int:
        """Number of patches along one side of the square image."""
        return self.image_size_px // self.patch_size_px

    @property
    def tokens_per_image(self) -> int:
        """Rows that one image adds to the decoder's input."""
        return (self.patches_per_side // self.shuffle_factor) ** 2


@dataclass(frozen=True)
class TextGeometry:
    """Text decoder and token embedding, in the terms of contract §2.1."""

    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    rope_theta: float
    rms_norm_eps: float
    qkv_bias: bool


@dataclass(frozen=True)
class PromptFormat:
    """Strings that upstream's runner wraps around prompts and images (contract §4.1).

    Every ``<image>`` of a user prompt becomes ``image_start + image_global + <image> + image_end``.
    """

    image_start: str
    image_global: str
    image_end: str
    system_prefix: str
    system_suffix: str
    turn_prefix: str
    turn_suffix: str


@dataclass(frozen=True)
class Preprocessing:
    """Image file to pixel values: RGB, resize to a square, scale to 0..1, normalize per channel.

    What a checkpoint's image processor says of it is held against this; its settings are named as
    in ``preprocessor_config.json``, ``size.height`` for one within another.

    Attributes:
        side_settings: Settings that state the side of the square.
        multiple_settings: Settings that state a multiple of it, which pixels pass through.
        unused_settings: Settings of tiles and padding, which one square view has none of.
        defaults: What the image processor's class takes for settings that a checkpoint leaves out,
            where that is something else than this family's value.
    """

    resampling: Resampling
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    side_settings: tuple[str, ...] = ("size.height", "size.width")
    multiple_settings: tuple[str, ...] = ()
    unused_settings: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


_SPECIAL_TOKEN = re.compile(r"<[^<>\s]+>")

GeometryReader = Callable[[Mapping[str, Any]], tuple[VisionGeometry, TextGeometry]]

KeyLayout = Mapping[Component, Sequence[tuple[str, str]]]
"""Which stored weight belongs to which component: patterns of keys, as ``re.subn`` takes them, and
what the weight is called in the component's module."""


@dataclass(frozen=True)
class VlmFamily:
    """What all checkpoints of one architecture share, and where the rest of it is implemented.

    A family need not have every part: without ``key_layout`` and ``encoder`` it is run but not
    exported, without ``miniature`` none is trained. Whoever needs a missing part is refused by
    ``harness.vlm.family_parts``.

    Attributes:
        name: Also the runner's ``--decoder_model_version`` (contract §5.1).
        architecture: Class name in ``transformers``, as in the checkpoint's ``config.json``.
        image_token: Token that stands for one image row in a ``transformers`` prompt; the runner's
            own placeholder is always ``<image>``.
        stop_tokens: Tokens that end a generation (contract §4.3); a turn of the model ends with the
            first.
        idle_stop_tokens: Further ones that its checkpoints name, though no answer holds them.
        published_stop_tokens: What its published checkpoints name alone as the end of an answer,
            though a turn ends with another of ``stop_tokens``.
        tokens_without_row: Tokens of its published tokenizers, which may lie beyond the rows of the
            token embedding; a prompt that holds one is refused.
        published_prompts: What chat templates of its published checkpoints make of a picture and
            the question ``{question}``, where the runner's strings differ from it (contract §4.1).
        model_type: Key of its configuration in ``transformers``, for a ``config.json`` that names
            no architecture.
        equal_architectures: Further classes and keys in ``transformers``, of other names for
            the same weights and mathematics.
        config_defaults: What its configuration takes for what a ``config.json`` leaves out; that
            of the decoder under ``text_config``.
        has_image_axis: Whether ``transformers`` takes several pictures per sample, as pixel values
            ``[samples, pictures, 3, side, side]``.
        read_geometry: Reads both geometries out of a parsed ``config.json``.
        key_layout: Names of the weights, on the hub and as ``transformers`` has them in memory.
        encoder: ``module:attribute`` of what makes the vision encoder's float32 ``nn.Module`` from
            a ``VisionGeometry`` and a ``TextGeometry``.
        vision_layers: Path of the vision encoder's layers, in ``transformers`` and in ``encoder``;
            None where what happens inside of it is not compared with ``transformers``.
        projector: Path of the first module that reads what the vision layers came to; with it.
        miniature: ``module:attribute`` of the ``training.miniature.MiniatureFamily`` that trains
            small models of it.
    """

    name: str
    architecture: str
    prompt: PromptFormat
    preprocessing: Preprocessing
    image_token: str
    stop_tokens: tuple[str, ...]
    has_image_axis: bool
    read_geometry: GeometryReader
    key_layout: KeyLayout | None = None
    encoder: str | None = None
    vision_layers: str | None = None
    projector: str | None = None
    miniature: str | None = None
    idle_stop_tokens: tuple[str, ...] = ()
    published_stop_tokens: tuple[str, ...] = ()
    tokens_without_row: tuple[str, ...] = ()
    published_prompts: tuple[str, ...] = ()
    model_type: str | None = None
    equal_architectures: tuple[str, ...] = ()
    config_defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """Tokens that every prompt with a picture needs, each of which must be one id."""
        prompt = self.prompt
        image = (prompt.image_start, prompt.image_global, prompt.image_end)
        strings = "".join((*image, prompt.turn_prefix, prompt.turn_suffix))
        return tuple(dict.fromkeys((self.image_token, *_SPECIAL_TOKEN.findall(strings))))


@dataclass(frozen=True)
class VlmSpec:
    """One model that can be exported, run and judged.

    Attributes:
        name: What a person types after ``--model``; a family's name where only a checkpoint will
            tell the geometry.
        context_length: Compiled context length in tokens (CL in the contract).
        prefill_ar: Tokens that one prefill call consumes in hybrid mode (AR in the contract).
        lookahead: Branch of lookahead mode where nobody names another; the default is upstream's.
        upstream_name: ``--decoder_model`` of upstream's exporter, None for the miniatures.
        hub_id: Repository on the Hugging Face hub, None for miniatures and families.
        revision: Revision of ``hub_id`` to download.
        is_miniature: Whether the checkpoint comes with the package.
        is_own: Whether it is a checkpoint that somebody names, of any geometry.
        max_positions: Tokens of the longest conversation that it was trained for, None where nobody
            knows.
    """

    name: str
    family: VlmFamily
    vision: VisionGeometry
    text: TextGeometry
    context_length: int
    prefill_ar: int
    lookahead: LookaheadShape = UPSTREAM_LOOKAHEAD
    upstream_name: str | None = None
    hub_id: str | None = None
    revision: str | None = None
    is_miniature: bool = False
    is_own: bool = False
    max_positions: int | None = None

    @property
    def is_small(self) -> bool:
        """Whether an export takes seconds rather than many minutes."""
        return self._weights < _FEW_WEIGHTS

    @property
    def _weights(self) -> int:
        """Elements of the large matrices, a head that is tied to the table counted once."""
        text, vision = self.text, self.vision
        attention = 2 * text.hidden_size * text.head_dim * (text.heads + text.kv_heads)
        decoder = text.layers * (attention + 3 * text.hidden_size * text.intermediate_size)
        encoder = vision.layers * (
            4 * vision.hidden_size**2 + 2 * vision.hidden_size * vision.intermediate_size
        )
        return text.vocab_size * text.hidden_size + decoder + encoder

"""A component's float32 module with the weights of a checkpoint, and the methods of its file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.checkpoint.checkpoint import Checkpoint
from harness.errors import UserError, listed
from harness.export.graphs.text_decoder import (
    CACHE_STEP,
    StaticAttention,
    StaticDecoder,
    short_caches,
)
from harness.export.graphs.token_embedding import TokenEmbedding
from harness.export.inputs.build_config import BuildConfig
from harness.vlm.family_parts import load_part
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component

_SHORTEST = 2
"""Context of a decoder of which only the weights are looked at."""


def load_module(
    checkpoint: Checkpoint,
    component: Component,
    context_length: int | None = None,
    attention: type[StaticAttention] = StaticAttention,
) -> nn.Module:
    """Build a component's float32 module with its weights.

    Args:
        checkpoint: Where the weights are.
        component: Which module.
        context_length: Of a text decoder; the model's own if None.
        attention: How a text decoder's attention is written.

    Raises:
        UserError: If a weight is missing, left over or of another shape, or the family has no
            vision encoder.
    """
    spec = checkpoint.spec
    # Without memory and random numbers for weights that are replaced anyhow.
    with torch.device("meta"):
        module = _build_module(spec, component, context_length or spec.context_length, attention)
    weights = checkpoint.component_weights(component)
    floats = {name: weights.pop(name).float() for name in tuple(weights)}
    try:
        module.load_state_dict(floats, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"The checkpoint does not fit the {component} of {spec.name} ({reason}); "
            "name the right --checkpoint."
        ) from error
    return module.eval()


def empty_module(spec: VlmSpec, component: Component) -> nn.Module:
    """A component's module without memory for its weights, to see which and how many there are."""
    with torch.device("meta"):
        return _build_module(spec, component, _SHORTEST, StaticAttention)


def _build_module(
    spec: VlmSpec, component: Component, context_length: int, attention: type[StaticAttention]
) -> nn.Module:
    module: nn.Module
    if component == "vision_encoder":
        module = load_part(spec.family, "encoder")(spec.vision, spec.text)
    elif component == "token_embedding":
        module = TokenEmbedding(spec.text)
    else:
        module = StaticDecoder(spec.text, context_length, attention)
    return module


def check_weights(checkpoint: Checkpoint) -> None:
    """Find what any component lacks, has left over or has in another shape, in no time.

    Modules are built without memory, weights are told by the headers of their files.

    Raises:
        UserError: If something does not fit; all of it is in the sentence.
    """
    faults = []
    for component in COMPONENTS:
        module = empty_module(checkpoint.spec, component)
        wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
        found = checkpoint.components[component]
        lacking = [name for name in wanted if name not in found]
        surplus = [placed.key for name, placed in found.items() if name not in wanted]
        shaped = [
            f"{placed.key} of {list(placed.stored.shape)} instead of {list(wanted[name])}"
            for name, placed in found.items()
            if name in wanted and placed.stored.shape != wanted[name]
        ]
        faults += [f"its {component} lacks {listed(lacking)}"] if lacking else []
        faults += [f"its {component} has no use for {listed(surplus)}"] if surplus else []
        faults += [f"its {component} has {listed(shaped)}"] if shaped else []
    if faults:
        raise UserError(
            f"{checkpoint.directory} does not fit {checkpoint.spec.name}: {'; '.join(faults)}; "
            "name the right --checkpoint, or download it again."
        )


def method_inputs(
    spec: VlmSpec, config: BuildConfig, module: nn.Module
) -> dict[str, tuple[Tensor, ...]]:
    """Names and example inputs of a component's methods (contract §1.2, §2.2, §3)."""
    if config.component == "vision_encoder":
        side = spec.vision.image_size_px
        return {"forward": (torch.zeros(1, 3, side, side),)}
    autoregression = _autoregression(config)
    if isinstance(module, StaticDecoder):
        return {name: module.example_inputs(ar) for name, ar in autoregression.items()}
    return {
        f"tok_embedding_{name}": (torch.zeros(1, ar, dtype=torch.int32),)
        for name, ar in autoregression.items()
    }


def _autoregression(config: BuildConfig) -> dict[str, int]:
    """Tokens per call of each method of decoder and token embedding."""
    found = {"kv_forward": config.decode_ar}
    if config.prefill_ar is not None:
        found["prefill_forward"] = config.prefill_ar
    return found


def cache_step(config: BuildConfig) -> int | None:
    """Columns of which a decoder's methods take caches of any multiple.

    None where they take whole caches alone: on the HTP, whose graphs leave no extent open, and
    where the context is hardly longer.
    """
    assert config.context_length is not None
    shortest = config.context_length - max(_autoregression(config).values())
    return CACHE_STEP if config.soc is None and shortest > CACHE_STEP else None


def open_extents(config: BuildConfig) -> dict[str, tuple[object, ...]]:
    """Extents of inputs that a call of a decoder's method may choose, by method."""
    context = config.context_length
    assert context is not None
    if cache_step(config) is None:
        return {}
    layers = config.geometry["text"]["layers"]
    return {
        name: short_caches(layers, context - ar, ar) for name, ar in _autoregression(config).items()
    }


def decoder_constants(spec: VlmSpec, config: BuildConfig) -> dict[str, int | bool]:
    """Constant methods of a text decoder, which runner and host tools read (contract §2.6).

    ``get_kv_io_bit_width`` is 32 where the cache is float32. The BOS and EOS constants are
    upstream's, which no runner uses for these models.
    """
    text = spec.text
    assert config.context_length is not None
    assert config.image_token_id is not None
    step = cache_step(config)
    return {
        **({} if step is None else {"get_cache_step": step}),
        "get_n_layers": text.layers,
        "get_ar_len": config.decode_ar,
        "get_max_seq_len": config.context_length,
        "get_max_context_len": config.context_length,
        "get_vocab_size": text.vocab_size,
        "get_dim": text.hidden_size,
        "get_head_dim": text.head_dim,
        "get_n_kv_heads": text.kv_heads,
        "get_max_batch_size": 1,
        "get_bos_id": 1,
        "get_eos_id": 2,
        "get_n_bos": 1,
        "get_n_eos": 1,
        "get_use_kv_cache": True,
        "get_kv_io_bit_width": 32 if config.htp is None else config.htp.kv_bits,
        "image_token_id": config.image_token_id,
    }

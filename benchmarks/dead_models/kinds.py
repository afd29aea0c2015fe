"""Ways for a model to be dead: what is written over a healthy miniature's weights."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.dead_models.weights import NotThereError, Weights
from harness.backends.qnn.delegates import read_delegates
from harness.runtime.program_description import ProgramDescription
from harness.vlm.prompt import format_turn
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import Tokenizer
from harness.vocabulary import Component

_CONTEXT_BYTES = 64 << 10
_LATE_POSITION = 96
_ROUNDING = 2e-7
_NO_NUMBER = 0xFFFFFFFF
_RARE_WORD = " bottom"
"""In the second half of descriptions, and in no question."""

_PHRASE = " The red square stands left of the blue star."


@dataclass(frozen=True)
class Defect:
    """One way to be dead.

    Attributes:
        what: For whoever reads the table.
        kill: Writes weights over.
    """

    what: str
    kill: Callable[[Weights], None]


def _word(component: Component, *parts: str) -> Callable[[Weights], None]:
    def kill(weights: Weights) -> None:
        names = weights.names(component, *parts)
        weights.put_word(names[len(names) // 2], _NO_NUMBER)

    return kill


def _all(component: Component, value: float, *parts: str) -> Callable[[Weights], None]:
    def kill(weights: Weights) -> None:
        for name in weights.names(component, *parts):
            weights.put(name, value)

    return kill


def _no_matrices(weights: Weights) -> None:
    for name in weights.names("vision_encoder"):
        if weights.tensors[name].ndim > 1:
            weights.put(name, 0)


def _late_layer(weights: Weights) -> None:
    *_, last = weights.names("text_decoder", "down_proj")
    weights.put(last, np.nan)


def _infinite_norm(weights: Weights) -> None:
    (norm,) = weights.names("text_decoder", "model.norm.weight")
    changed = weights.tensors[norm].copy()
    changed[3] = np.inf
    weights.put(norm, changed)


def _blind(weights: Weights) -> None:
    for name in weights.names("vision_encoder", "patch_embedding"):
        if weights.tensors[name].ndim == 4:
            weights.put(name, 0)


def _foreign_head(weights: Weights) -> None:
    (head,) = weights.names("text_decoder", "lm_head")
    weights.put(head, np.random.default_rng(0).permutation(weights.tensors[head]))


def _lost_row(weights: Weights) -> None:
    (table,) = weights.names("token_embedding")
    (token,) = _tokenizer(weights).encode(_RARE_WORD)
    changed = weights.tensors[table].copy()
    changed[token] = np.nan
    weights.put(table, changed)


def _noise(weights: Weights) -> None:
    generator = np.random.default_rng(0)
    for name in weights.names("text_decoder", "layers"):
        tensor = weights.tensors[name]
        if tensor.ndim == 2:
            weights.put(name, generator.permutation(tensor.reshape(-1)).reshape(tensor.shape))


def _parrot(
    say: Callable[[Tokenizer], Sequence[int]], *, again: bool = True
) -> Callable[[Weights], None]:
    """A decoder that sees the latest token alone, and says the same after it whatever was before.

    Args:
        say: What it says.
        again: Begin again at the end.
    """

    def kill(weights: Weights) -> None:
        tokenizer = _tokenizer(weights)
        said = list(say(tokenizer))
        begin = _last_of_prompt(weights, tokenizer)
        follows = dict(zip([begin, *said], said, strict=False))
        if again:
            follows[said[-1]] = said[0]
        _follow(weights, follows)

    return kill


def _follow(weights: Weights, follows: Mapping[int, int]) -> None:
    for part in ("o_proj", "down_proj"):
        for name in weights.names("text_decoder", part):
            weights.put(name, 0)
    (norm,) = weights.names("text_decoder", "model.norm.weight")
    weights.put(norm, 1)
    (head,), (table,) = weights.names("text_decoder", "lm_head"), weights.names("token_embedding")
    rows = weights.tensors[table]
    heads = np.zeros_like(weights.tensors[head])
    for token, following in follows.items():
        if length := np.linalg.norm(rows[token]):
            heads[following] += rows[token] / length
    weights.put(head, heads)


def _tokenizer(weights: Weights) -> Tokenizer:
    return Tokenizer(weights.artifact.tokenizer_path)


def _last_of_prompt(weights: Weights, tokenizer: Tokenizer) -> int:
    family = get_family(weights.artifact.manifest.family)
    return tokenizer.encode(format_turn("What is this?", "", family.prompt))[-1]


def _stop(weights: Weights) -> None:
    family = get_family(weights.artifact.manifest.family)
    _parrot(lambda tokenizer: [min(tokenizer.stop_ids(family))])(weights)


def _late_positions(weights: Weights) -> None:
    blob = weights.files["text_decoder"]
    floats = np.frombuffer(bytes(blob), np.float32).copy()
    for turn in (np.cos, np.sin):
        # The first frequency turns by one radian a token.
        places = [np.flatnonzero(np.abs(floats - turn(at)) < _ROUNDING) for at in (100, 200)]
        if any(len(found) != 1 for found in places):
            raise NotThereError(f"{weights.artifact.path('text_decoder')} has no table of angles")
        first, second = (int(found[0]) for found in places)
        width = (second - first) // 100
        start = first + (_LATE_POSITION - 100) * width
        end = first + (weights.artifact.manifest.context_length - 100) * width
        floats[start:end] = np.nan
    blob[:] = floats.tobytes()


def _cache_scale(weights: Weights) -> None:
    decoder = weights.artifact.path("text_decoder")
    values = ProgramDescription.read(decoder).values
    scales = [values[name][0] for name in values if name.startswith("get_kv_output_")]
    if not scales:
        raise NotThereError(f"{decoder} has no codes in its cache")
    blob, stored = weights.files["text_decoder"], struct.pack("<d", scales[0])
    weights.files["text_decoder"] = blob.replace(stored, struct.pack("<d", math.nan))


def _context(weights: Weights) -> None:
    contexts = [found.context for found in read_delegates(weights.artifact.path("text_decoder"))]
    if not contexts or contexts[0] is None:
        raise NotThereError("the decoder has no context of the HTP")
    middle = contexts[0].offset + contexts[0].size // 2
    weights.files["text_decoder"][middle : middle + _CONTEXT_BYTES] = b"\xff" * _CONTEXT_BYTES


KINDS: Mapping[str, Defect] = {
    "encoder-word": Defect(
        "one word of the encoder is 0xFFFFFFFF", _word("vision_encoder", "fc1.w")
    ),
    "embedding-word": Defect("one word of the embedding is 0xFFFFFFFF", _word("token_embedding")),
    "decoder-word": Defect(
        "one word of the decoder is 0xFFFFFFFF", _word("text_decoder", "up_proj")
    ),
    "late-layer-nan": Defect("the last layer's down projection is NaN", _late_layer),
    "norm-inf": Defect("one weight of the last norm is infinite", _infinite_norm),
    "encoder-inf": Defect(
        "the encoder's weights are infinite", _all("vision_encoder", np.inf, "fc2.w")
    ),
    "head-zero": Defect("the head's weights are 0", _all("text_decoder", 0, "lm_head")),
    "encoder-zero": Defect("the encoder's matrices are 0", _no_matrices),
    "embedding-zero": Defect("the embedding's weights are 0", _all("token_embedding", 0)),
    "decoder-zero": Defect("the layers' weights are 0", _all("text_decoder", 0, "proj.weight")),
    "one-token": Defect("one token again and again", _parrot(lambda one: one.encode(" red"))),
    "two-tokens": Defect("two tokens in turn", _parrot(lambda one: one.encode(" red square"))),
    "phrase-loop": Defect("one phrase again and again", _parrot(lambda one: one.encode(_PHRASE))),
    "stop-first": Defect("the stop token comes first", _stop),
    "blind": Defect("features that do not depend on the picture", _blind),
    "lost-row": Defect(f"NaN where{_RARE_WORD!r} was said", _lost_row),
    "late-position": Defect(f"NaN from position {_LATE_POSITION} on", _late_positions),
    "foreign-head": Defect("the head's rows are another vocabulary's", _foreign_head),
    "cache-scale": Defect("the scale of a layer's KV cache is NaN", _cache_scale),
    "context": Defect("64 KiB of the decoder's weights for the HTP are 0xFF", _context),
    "noise": Defect("the layers' weights are shuffled", _noise),
}

"""Stages that are modules of ``torch``: the exporter's float ones, and those of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.float_cache import Call, FloatCache
from harness.ladder.exercise import Exercise, ExerciseTurn
from harness.ladder.module_states import EncoderState, encoder_states, recording
from harness.ladder.signals import INNER, Array, Reading, Signal
from harness.vlm.spec import VlmFamily


@dataclass(frozen=True)
class DecoderCall:
    """One method of a decoder.

    Attributes:
        call: As a :class:`StaticDecoder` is called.
        ar: Tokens that it takes; None for any number.
    """

    call: Call
    ar: int | None = None


@dataclass(frozen=True)
class ModuleParts:
    """A model of modules.

    Attributes:
        encoder: Pixels ``[1, 3, side, side]`` to ``[1, tokens_per_image, hidden]``.
        embed: Ids to rows ``[ids, hidden]``.
        decoder: Gives geometry and context to the cache.
        prefill: Reads prompts.
        decode: Reads answers.
        turned_keys: Takes keys back that are turned behind their positions, ``[head_dim,
            head_dim]``; None where they are not.
        last_digit: By what share of themselves numbers differ that are computed in another order.
    """

    encoder: nn.Module
    embed: Callable[[Sequence[int]], Array]
    decoder: StaticDecoder
    prefill: DecoderCall
    decode: DecoderCall
    turned_keys: Array | None = None
    last_digit: float = 1e-6


class ModuleStage:
    """Puts modules through an exercise, each with the float model's inputs.

    Args:
        name: Of the stage.
        parts: The model.
        family: Says where states inside of the encoder are.
    """

    def __init__(self, name: str, parts: ModuleParts, family: VlmFamily) -> None:
        self.name = name
        self._parts = parts
        self._family = family

    def read(self, exercise: Exercise) -> Reading:
        """Every signal that modules have."""
        return self._read(exercise, lambda values: values)

    def read_shaken(self, exercise: Exercise) -> Reading:
        """The same, where what enters differs in its last digits.

        Where activations are rounded, a last digit makes another code here and there, and through
        thirty layers that grows: a file that computes the same in another order is no closer.
        """
        source = np.random.default_rng(0)

        def shake(values: Array) -> Array:
            noise = source.standard_normal(values.shape, np.float32)
            shaken: Array = values * (1 + np.float32(self._parts.last_digit) * noise)
            return shaken

        whole = self._read(exercise, shake)
        # Nobody is asked for more: files have none of the inner ones.
        return {signal: values for signal, values in whole.items() if signal.name not in INNER}

    @torch.no_grad()
    def _read(self, exercise: Exercise, enter: Callable[[Array], Array]) -> Reading:
        reading: dict[Signal, Array] = {}
        columns = _Columns(self._parts.decoder, self._parts.turned_keys)
        cache = FloatCache(self._parts.decoder)
        for index, turn in enumerate(exercise.turns):
            if turn.pixels:
                reading |= self._encode(index, turn, enter)
            reading[Signal(index, "token rows")] = self._parts.embed(turn.text_ids)
            rows = enter(turn.prompt_rows), enter(turn.answer_rows)
            reading |= self._decode(index, rows, cache, columns)
        return reading

    def _encode(self, index: int, turn: ExerciseTurn, enter: Callable[[Array], Array]) -> Reading:
        features, states = [], list[dict[EncoderState, Array]]()
        for pixels in turn.pixels:
            with encoder_states(self._parts.encoder, self._family) as read:
                features.append(self._parts.encoder(torch.from_numpy(enter(pixels))).numpy())
            states.append(dict(read()))
        reading = {Signal(index, "image features"): np.concatenate(features)}
        for name, layer in states[0]:
            of_all = [one[name, layer] for one in states]
            reading[Signal(index, name, layer)] = np.concatenate(of_all)
        return reading

    def _decode(
        self, index: int, rows: tuple[Array, Array], cache: FloatCache, columns: _Columns
    ) -> Reading:
        parts, reading = self._parts, dict[Signal, Array]()
        prompt_rows, answer_rows = rows
        begin = cache.filled
        with recording(parts.decoder.layers) as states:
            logits = _feed(parts.prefill, prompt_rows, cache, columns)
        # A graph traced from the decoder has no modules to look into.
        for layer, state in enumerate(_states(parts.decoder, states)):
            reading[Signal(index, "hidden states", layer)] = state
        for layer, (keys, values) in enumerate(columns.held(begin)):
            reading[Signal(index, "keys", layer)] = keys
            reading[Signal(index, "values", layer)] = values
        reading[Signal(index, "first logits")] = logits[-1:].clone().numpy()
        if len(answer_rows):
            answer = _feed(parts.decode, answer_rows, cache, columns)
            reading[Signal(index, "answer logits")] = answer.numpy()
        for layer, (keys, values) in enumerate(columns.held(0)):
            reading[Signal(index, "kept keys", layer)] = keys
            reading[Signal(index, "kept values", layer)] = values
        return reading


@dataclass
class _Columns:
    """Columns that passes add to a cache."""

    decoder: StaticDecoder
    turned_keys: Array | None
    passes: list[tuple[Tensor, ...]] = field(default_factory=list)

    def add(self, outputs: Sequence[Tensor], count: int) -> None:
        layers = len(self.decoder.layers)
        keys = [one[0, :, :, :count].clone() for one in outputs[1 : 1 + layers]]
        values = [one[0, :, :count].clone() for one in outputs[1 + layers :]]
        self.passes.append((*keys, *values))

    def held(self, begin: int) -> list[tuple[Array, Array]]:
        """K ``[kv_heads, head_dim, columns]`` and V of each layer, from a position on."""
        layers, held = len(self.decoder.layers), []
        for layer in range(layers):
            keys = torch.cat([one[layer] for one in self.passes], dim=2)[..., begin:].numpy()
            values = torch.cat([one[layers + layer] for one in self.passes], dim=1)[:, begin:]
            held.append((turned_back(keys, self.turned_keys), values.numpy()))
        return held


def turned_back(keys: Array, back: Array | None) -> Array:
    """Keys ``[kv_heads, head_dim, columns]`` as they were before an orthogonal map."""
    return keys if back is None else np.einsum("hdt,ed->het", keys, back)


def _states(decoder: StaticDecoder, states: Sequence[Tensor]) -> list[Array]:
    """What runs between layers, ``[tokens, hidden]`` each, turned back where it is turned."""
    entry = decoder.entry
    back = entry.weight if isinstance(entry, nn.Linear) else None
    rows = [state[0] if back is None else state[0] @ back for state in states]
    return [one.numpy() for one in rows[: len(decoder.layers) - 1]]


def _feed(method: DecoderCall, rows: Array, cache: FloatCache, columns: _Columns) -> Tensor:
    """Feed rows in as many passes as a method needs; their logits ``[rows, vocabulary]``."""
    ar = method.ar or len(rows)
    logits = []
    for part in torch.split(torch.from_numpy(rows), ar):

        def call(*inputs: Tensor, count: int = len(part)) -> Sequence[Tensor]:
            outputs = method.call(*inputs)
            columns.add(outputs, count)
            return outputs

        logits.append(cache.step(call, part, ar))
    return torch.cat(logits)

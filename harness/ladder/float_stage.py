"""The first stage: a checkpoint run by ``transformers`` in float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoImageProcessor, DynamicCache

from harness.errors import UserError
from harness.ladder.exercise import Exercise, ExerciseTurn
from harness.ladder.module_states import encoder_states, recording
from harness.ladder.signals import Array, Reading, Signal
from harness.runtime.embedding import TokenizedPiece
from harness.runtime.request import Request
from harness.vlm.picture import load_image
from harness.vlm.preprocess import preprocess
from harness.vlm.prompt import ImagePiece, count_images, format_turn, place_images, split_pieces
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer


class FloatStage:
    """Holds conversations and writes down every signal of them.

    Args:
        spec: The model, with the geometry of the checkpoint.
        checkpoint: Its folder.
        max_tokens: Most tokens of an answer.
    """

    name = "float transformers"

    def __init__(self, spec: VlmSpec, checkpoint: Path, max_tokens: int) -> None:
        from transformers import AutoModelForImageTextToText

        self._spec = spec
        self._checkpoint = checkpoint
        self._max_tokens = max_tokens
        self._tokenizer = Tokenizer(checkpoint / "tokenizer.json")
        self._stop_ids = self._tokenizer.stop_ids(spec.family)
        model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=torch.float32)
        model.eval()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._model: Any = model

    @torch.no_grad()
    def hold(self, request: Request) -> Exercise:
        """Answer a conversation greedily.

        Raises:
            UserError: If a picture is unusable, or the images do not match the prompts.
        """
        prompts = place_images(request.prompts, len(request.images))
        images = iter(request.images)
        cache = DynamicCache()
        turns: list[ExerciseTurn] = []
        reading: dict[Signal, Array] = {}
        for index, prompt in enumerate(prompts):
            own = [next(images) for _ in range(count_images(prompt))]
            turn, signals = self._answer(index, prompt, own, request.system_prompt, cache)
            turns.append(turn)
            reading |= signals
        return Exercise(request, tuple(turns), self._stop_ids, reading)

    def _answer(
        self, index: int, prompt: str, images: Sequence[str], system_prompt: str, cache: Any
    ) -> tuple[ExerciseTurn, Reading]:
        formatted = format_turn(prompt, system_prompt, self._spec.family.prompt)
        pieces: list[TokenizedPiece] = [
            piece
            if isinstance(piece, ImagePiece)
            else self._tokenizer.encode(piece.text, as_word=piece.is_word)
            for piece in split_pieces(formatted)
        ]
        pixels = [self._pixels(image) for image in images]
        rows, features, reading = self._embed(index, pieces, pixels)
        if pixels:
            reading[Signal(index, "pixels")] = np.concatenate(pixels)
        begin = cache.get_seq_length()
        states, logits = self._read(rows, cache)
        for layer, state in enumerate(states[:-1]):
            reading[Signal(index, "hidden states", layer)] = state
        for layer, (keys, values) in enumerate(_columns(cache, begin)):
            reading[Signal(index, "keys", layer)] = keys
            reading[Signal(index, "values", layer)] = values
        reading[Signal(index, "first logits")] = logits[None]
        ids, answer_rows, steps = [int(logits.argmax())], [], []
        while ids[-1] not in self._stop_ids and len(ids) < self._max_tokens:
            answer_rows.append(self._table(ids[-1:]))
            _, logits = self._read(answer_rows[-1], cache)
            steps.append(logits)
            ids.append(int(logits.argmax()))
        if steps:
            reading[Signal(index, "answer logits")] = np.stack(steps)
        for layer, (keys, values) in enumerate(_columns(cache, 0)):
            reading[Signal(index, "kept keys", layer)] = keys
            reading[Signal(index, "kept values", layer)] = values
        answered = np.concatenate(answer_rows) if answer_rows else rows[:0]
        turn = ExerciseTurn(
            pieces=tuple(pieces),
            pixels=tuple(pixels),
            features=tuple(features),
            prompt_rows=rows,
            answer_ids=tuple(ids),
            is_over=ids[-1] in self._stop_ids,
            answer_rows=answered,
        )
        reading[Signal(index, "token rows")] = self._table(turn.text_ids)
        return turn, reading

    def _embed(
        self, index: int, pieces: Sequence[TokenizedPiece], pixels: Sequence[Array]
    ) -> tuple[Array, list[Array], dict[Signal, Array]]:
        """What the decoder reads of a turn: all rows, and those of each picture."""
        family, count = self._spec.family, self._spec.vision.tokens_per_image
        image_ids = self._tokenizer.encode(family.image_token) * count
        ids = [
            token
            for piece in pieces
            for token in (image_ids if isinstance(piece, ImagePiece) else piece)
        ]
        inputs: dict[str, Any] = {"input_ids": torch.tensor([ids])}
        if pixels:
            stacked = torch.from_numpy(np.concatenate(pixels))
            inputs["pixel_values"] = stacked[None] if family.has_image_axis else stacked
        with ExitStack() as stack:
            read = stack.enter_context(_decoder_inputs(self._model.get_decoder()))
            states = stack.enter_context(encoder_states(self._model, family))
            self._model(**inputs, logits_to_keep=1)
        rows = read[0]
        marked = np.array(ids) == image_ids[0]
        features = np.split(rows[marked], len(pixels)) if pixels else []
        reading = {Signal(index, "prompt rows"): rows}
        if pixels:
            reading[Signal(index, "image features")] = np.stack(features)
            reading |= {Signal(index, name, layer): value for (name, layer), value in states()}
        return rows, features, reading

    def _read(self, rows: Array, cache: Any) -> tuple[list[Array], Array]:
        """Hidden states behind each layer ``[tokens, hidden]``, and the last token's logits."""
        decoder = self._model.get_decoder()
        with recording(decoder.layers) as states:
            output = decoder(
                inputs_embeds=torch.from_numpy(rows)[None], past_key_values=cache, use_cache=True
            )
        logits: Array = self._model.get_output_embeddings()(output.last_hidden_state[0, -1]).numpy()
        return [state[0].numpy() for state in states], logits

    def _table(self, ids: Sequence[int]) -> Array:
        rows: Array = self._model.get_input_embeddings()(torch.tensor(list(ids))).numpy()
        return rows

    def _pixels(self, path: str) -> Array:
        """By the checkpoint's own image processor, or as its family states it without one."""
        image, side = load_image(Path(path)), self._spec.vision.image_size_px
        if self._processor is None:
            return preprocess(image, side, self._spec.family.preprocessing)
        one_view = {
            name: False
            for name in ("do_image_splitting", "crop_to_patches")
            if hasattr(self._processor, name)
        }
        size = {"height": side, "width": side}
        made = self._processor(images=[image], size=size, return_tensors="np", **one_view)
        pixels: Array = np.asarray(made["pixel_values"], dtype=np.float32)
        if pixels.size != 3 * side * side:
            raise UserError(
                f"The image processor of {self._checkpoint} makes {pixels.shape} of a picture and "
                f"the model takes one square of {side} px; check its preprocessor_config.json."
            )
        return np.ascontiguousarray(pixels.reshape(1, 3, side, side))

    @cached_property
    def _processor(self) -> Any:
        names = ("preprocessor_config.json", "processor_config.json")
        if not any((self._checkpoint / name).is_file() for name in names):
            return None
        return AutoImageProcessor.from_pretrained(self._checkpoint, backend="pil")  # type: ignore[no-untyped-call]  # transformers leaves it untyped


@contextmanager
def _decoder_inputs(decoder: nn.Module) -> Iterator[list[Array]]:
    """Rows that a decoder is called with while the block runs."""
    kept: list[Array] = []

    def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        rows: Tensor = kwargs["inputs_embeds"]
        kept.append(rows[0].numpy())

    handle = decoder.register_forward_pre_hook(keep, with_kwargs=True)
    try:
        yield kept
    finally:
        handle.remove()


def _columns(cache: Any, begin: int) -> Iterator[tuple[Array, Array]]:
    """Keys ``[kv_heads, head_dim, columns]`` and values ``[kv_heads, columns, head_dim]``."""
    for layer in cache.layers:
        keys, values = layer.keys[0, :, begin:], layer.values[0, :, begin:]
        yield keys.transpose(1, 2).numpy().copy(), values.numpy().copy()

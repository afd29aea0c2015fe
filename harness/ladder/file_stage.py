"""The stage of three ``.pte`` files, run by our runtime on this machine: CPU or HTP emulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.ladder.exercise import Exercise, ExerciseTurn
from harness.ladder.free_answers import FreeAnswer
from harness.ladder.module_stage import turned_back
from harness.ladder.signals import Array, Reading, Signal
from harness.runtime import phases
from harness.runtime.conversation import Conversation
from harness.runtime.embedding import PromptEmbedding, Rows, TokenEmbedder, VisionEncoder
from harness.runtime.encodings import IDENTITY, Encoding
from harness.runtime.files import RunFiles
from harness.runtime.generation import Turn
from harness.runtime.image import load_pixels
from harness.runtime.loaded_model import load_model
from harness.runtime.model_description import Programs
from harness.runtime.observer import Observer, Phase
from harness.runtime.request import RunOptions
from harness.runtime.sampler import Sampler
from harness.runtime.stopwatch import Stopwatch
from harness.vlm.prompt import place_images
from harness.vlm.spec import VlmFamily


class FileStage:
    """Puts an artifact through an exercise, each of its files with the float model's inputs.

    Args:
        name: Of the stage.
        files: Three ``.pte`` files and the tokenizer.
        family: Of the model.
        options: Its mode, kv or hybrid.
        turned_keys: Takes keys back that the decoder turns, ``[head_dim, head_dim]``; None where
            it does not.

    Attributes:
        refusals: What the runtime refused while it read, as it says it.

    Raises:
        UserError: If the files are unusable or do not fit each other or the mode.
    """

    def __init__(
        self,
        name: str,
        files: RunFiles,
        family: VlmFamily,
        options: RunOptions,
        turned_keys: Array | None = None,
    ) -> None:
        self.name = name
        self._family = family
        self._options = options
        self._turned_keys = turned_keys
        self.refusals: list[str] = []
        found = Programs.read(*files.programs).describe(options.mode)
        self._logits_encoding = found.encodings.logits or IDENTITY
        self._vocab_size = found.geometry.vocab_size
        self._model = load_model(files, family, options, lambda line: None)

    def read(self, exercise: Exercise) -> Reading:
        """Every signal that files and runtime have, until one refuses what another made."""
        reading: dict[Signal, Array] = {}
        model = self._model
        model.forget()
        images = iter(exercise.request.images)
        try:
            for index, turn in enumerate(exercise.turns):
                if turn.pixels:
                    own = [self._pixels(next(images)) for _ in turn.pixels]
                    reading[Signal(index, "pixels")] = np.concatenate(own)
                    features = [model.encoder.encode(pixels) for pixels in turn.pixels]
                    reading[Signal(index, "image features")] = np.stack(features)
                reading[Signal(index, "token rows")] = model.embed_prefill.embed(turn.text_ids)
                self._decode(index, turn, reading)
        except UserError as error:
            self.refusals.append(f"in the runner: {error}")
        return reading

    def answer(self, exercise: Exercise) -> list[FreeAnswer]:
        """What it says in each turn where nobody holds its hand.

        Raises:
            UserError: If what a file makes is refused.
        """
        request, longest = exercise.request, max(len(turn.answer_ids) for turn in exercise.turns)
        options = self._options.model_copy(update={"max_new_tokens": longest})
        choices = _Choices()
        conversation = Conversation(self._model, self._family, options, choices)
        prompts = place_images(request.prompts, len(request.images))
        turns = conversation.hold(request, prompts, list(map(self._pixels, request.images)))
        return [
            FreeAnswer(turn.token_ids, chosen, turn.stats.stop_reason)
            for turn, chosen in zip(turns, choices.turns, strict=True)
        ]

    def _pixels(self, image: str) -> NDArray[np.float32]:
        return load_pixels(image, self._model.image_size_px, self._family.preprocessing)

    def _decode(self, index: int, turn: ExerciseTurn, reading: dict[Signal, Array]) -> None:
        model = self._model
        stopwatch = Stopwatch(model.load_times)
        given = _GivenFeatures(model.encoder, turn.features)
        merging = PromptEmbedding(model.tokenizer, model.embed_prefill, given, self._vocab_size)
        merged = merging.embed(turn.pieces, turn.pixels, stopwatch, lambda line: None)
        reading[Signal(index, "prompt rows")] = merged
        begin, steps = model.cache.filled, _Steps(self._logits_encoding)
        first = phases.prefill(model.prefiller, turn.prompt_rows, steps)
        reading[Signal(index, "first logits")] = steps.real(first)[None]
        for layer, (keys, values) in enumerate(self._held(begin)):
            reading[Signal(index, "keys", layer)] = keys
            reading[Signal(index, "values", layer)] = values
        answer = turn.answer_ids
        loop = phases.DecodeLoop(
            model.decoder,
            _GivenRows(model.embed_decode, turn.answer_rows),
            _GivenAnswer(answer[1:]),
            steps,
        )
        limits = phases.DecodeLimits(model.context_length, len(answer) - 1, frozenset())
        loop.run(answer[0], limits, lambda token: None, stopwatch)
        if steps.decoded:
            reading[Signal(index, "answer logits")] = np.concatenate(steps.decoded)
        for layer, (keys, values) in enumerate(self._held(0)):
            reading[Signal(index, "kept keys", layer)] = keys
            reading[Signal(index, "kept values", layer)] = values

    def _held(self, begin: int) -> list[tuple[Array, Array]]:
        keys, values = self._model.cache.held()
        return [
            (turned_back(k[..., begin:], self._turned_keys), v[:, begin:])
            for k, v in zip(keys, values, strict=True)
        ]


class _Steps(Observer):
    """Keeps the logits of an answer as real numbers."""

    def __init__(self, encoding: Encoding) -> None:
        self.decoded: list[Array] = []
        self._encoding = encoding

    def real(self, codes: Array) -> Array:
        """What integers stand for, in float32."""
        shifted = codes.astype(np.float32) - np.float32(self._encoding.zero_point)
        return shifted * np.float32(self._encoding.scale)

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """A pass."""
        if phase == "decode":
            self.decoded.append(self.real(rows))


class _Choices(Observer):
    """What each row of logits chooses, turn by turn."""

    def __init__(self) -> None:
        self.turns: list[tuple[int, ...]] = []
        self._chosen: list[int] = []

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """A pass; of a prompt only the last token chooses."""
        if phase == "prefill":
            self._chosen.clear()
        self._chosen.append(int(rows[-1].argmax()))

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """Close the turn's list."""
        self.turns.append(tuple(self._chosen))


class _GivenFeatures(VisionEncoder):
    """An encoder that makes the float model's rows of pictures, one after the other."""

    def __init__(self, encoder: VisionEncoder, features: Sequence[Array]) -> None:
        self.image_size_px = encoder.image_size_px
        self.tokens_per_image, self.hidden_size = encoder.tokens_per_image, encoder.hidden_size
        self._features = iter(features)

    def encode(self, pixels: NDArray[np.float32]) -> Rows:
        """The next picture's."""
        return next(self._features)


class _GivenRows(TokenEmbedder):
    """A token embedding that makes the float model's rows of an answer, one after the other."""

    def __init__(self, embedder: TokenEmbedder, rows: Array) -> None:
        self._embedder = embedder
        self._given = iter(np.split(rows, len(rows)) if len(rows) else ())

    @property
    def execute_ns(self) -> int:
        """Time spent inside ExecuTorch since the program was loaded."""
        return self._embedder.execute_ns

    def embed_one(self, token_id: int, step: str) -> Rows:
        """The next token's."""
        return next(self._given)


class _GivenAnswer(Sampler):
    """Chooses the tokens of an answer, one after the other."""

    def __init__(self, token_ids: Sequence[int]) -> None:
        super().__init__(0.0, 0.9, 0)
        self._given = iter(token_ids)

    def sample(self, logits: NDArray[Any]) -> int:
        """The next of the answer, whatever the logits say."""
        return next(self._given)

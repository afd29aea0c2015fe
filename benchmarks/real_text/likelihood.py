"""What a model gives each token of a text as its probability, the text given and never its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.checkpoint.checkpoint import Checkpoint
from harness.export.graphs.component import load_module
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.float_cache import FloatCache
from harness.runtime import phases
from harness.runtime.encodings import IDENTITY, Encoding
from harness.runtime.files import RunFiles
from harness.runtime.loaded_model import load_model
from harness.runtime.model_description import Programs
from harness.runtime.observer import Observer, Phase
from harness.runtime.request import RunOptions
from harness.runtime.stopwatch import Stopwatch
from harness.vlm.spec import VlmFamily

Window = tuple[int, ...]
"""Ids of a text that is read from an empty cache."""


def losses(logits: NDArray[np.float32], ids: Sequence[int]) -> tuple[float, ...]:
    """Negative logarithms of the probabilities of all tokens but the first, in nats.

    Args:
        logits: ``[tokens, vocabulary]``; the last row predicts what is not there.
        ids: The tokens.
    """
    rows = torch.from_numpy(logits[:-1].astype(np.float32))
    lost = nn.functional.cross_entropy(rows, torch.tensor(ids[1:]), reduction="none")
    return tuple(lost.tolist())


class ModuleText:
    """A decoder that is no file yet.

    Args:
        decoder: Float, or with weights on their grids.
        table: Token embedding ``[vocabulary, hidden]``.
    """

    def __init__(self, decoder: StaticDecoder, table: Tensor) -> None:
        self._decoder = decoder
        self._table = table

    @torch.no_grad()
    def losses(self, window: Window) -> tuple[float, ...]:
        """Read one window in one call."""
        rows = self._table[list(window)]
        logits = FloatCache(self._decoder).step(self._decoder, rows, len(window))
        return losses(logits.numpy(), window)


def float_decoder(checkpoint: Checkpoint, context_length: int) -> StaticDecoder:
    """The decoder of a checkpoint, as the exporter starts from it."""
    decoder = load_module(checkpoint, "text_decoder", context_length)
    assert isinstance(decoder, StaticDecoder)
    return decoder


def token_table(checkpoint: Checkpoint) -> Tensor:
    """The token embedding of a checkpoint, ``[vocabulary, hidden]``."""
    table: Tensor = load_module(checkpoint, "token_embedding").get_parameter("embedding.weight")
    return table.detach()


class _Rows(Observer):
    """Keeps the logits of a prompt as real numbers."""

    def __init__(self, encoding: Encoding) -> None:
        self.kept: list[NDArray[np.float32]] = []
        self._encoding = encoding

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """A pass of prefill."""
        real = (rows.astype(np.float32) - self._encoding.zero_point) * self._encoding.scale
        self.kept.append(real.astype(np.float32))


class FileText:
    """Three ``.pte`` files, read through the runner's own prefill.

    Args:
        files: Of a hybrid artifact, or of one in kv mode.
        family: Of the model.
        options: Their mode.
    """

    def __init__(self, files: RunFiles, family: VlmFamily, options: RunOptions) -> None:
        found = Programs.read(*files.programs).describe(options.mode)
        self._encoding = found.encodings.logits or IDENTITY
        self._model = load_model(files, family, options, lambda line: None)

    def losses(self, window: Window) -> tuple[float, ...]:
        """Read one window in the passes of prefill."""
        self._model.forget()
        rows = _Rows(self._encoding)
        stopwatch = Stopwatch(self._model.load_times)
        embedded = self._model.prompt_embedding.embed([list(window)], (), stopwatch, rows.log)
        phases.prefill(self._model.prefiller, embedded, rows)
        return losses(np.concatenate(rows.kept), window)

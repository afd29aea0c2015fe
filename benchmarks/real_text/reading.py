"""One recipe read and asked: how likely a text is to it, and which questions it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from benchmarks.real_text.likelihood import FileText, Window
from benchmarks.real_text.questions import QUESTIONS
from harness.artifacts.artifact import Artifact
from harness.measure.estimate import Estimate
from harness.measure.perplexity import TokenLosses, perplexity, perplexity_ratio
from harness.runtime.files import RunFiles
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.registry import get_family

ANSWER_TOKENS = 24
"""Enough for a sentence that repeats the question."""


@dataclass(frozen=True)
class TextReading:
    """What a recipe came to.

    Attributes:
        recipe: Its name.
        perplexity: Of the windows.
        ratio: Over that of the float model on the same tokens.
        right: Questions that were answered right; None where none were asked.
        decoder_bytes: Size of the text decoder's file; None where there is none.
        seconds: What exporting it took when it was made, or finding its weights.
    """

    recipe: str
    perplexity: float
    ratio: Estimate
    right: int | None = None
    decoder_bytes: int | None = None
    seconds: float | None = None


class Reader(Protocol):
    """Whatever reads a text."""

    def losses(self, window: Window) -> tuple[float, ...]:
        """Of one window, read from an empty cache."""


@dataclass(frozen=True)
class ReferenceText:
    """A text, and how the float model reads it.

    Attributes:
        windows: Each read from an empty cache.
        losses: Of the float model, one tuple per window.
    """

    windows: tuple[Window, ...]
    losses: tuple[tuple[float, ...], ...]

    @property
    def perplexity(self) -> float:
        """Of the float model."""
        return perplexity([lost for window in self.losses for lost in window])


def reference_text(reader: Reader, windows: Sequence[Window]) -> ReferenceText:
    """Let the float model read a text."""
    return ReferenceText(tuple(windows), tuple(reader.losses(window) for window in windows))


def read(name: str, reader: Reader, text: ReferenceText) -> TextReading:
    """Let somebody else read it.

    Args:
        name: Of the recipe.
        reader: Who reads.
        text: The same as the float model's.
    """
    measured = [reader.losses(window) for window in text.windows]
    pairs = [TokenLosses(*pair) for pair in zip(text.losses, measured, strict=True)]
    every = [lost for window in measured for lost in window]
    return TextReading(name, perplexity(every), perplexity_ratio(pairs))


def read_files(name: str, artifact: Artifact, text: ReferenceText, *, ask: bool) -> TextReading:
    """As ``read``, through the runner on an artifact's files, which may be asked as well."""
    manifest, files = artifact.manifest, RunFiles.of(artifact)
    family = get_family(manifest.family)
    reader = FileText(files, family, RunOptions(mode=manifest.mode))
    decoder = manifest.component("text_decoder")
    return replace(
        read(name, reader, text),
        right=count_right(artifact) if ask else None,
        decoder_bytes=decoder.pte_bytes,
        seconds=decoder.export_s,
    )


def count_right(artifact: Artifact) -> int:
    """How many of the questions an artifact answers right, greedily, each on an empty cache."""
    manifest = artifact.manifest
    options = RunOptions(mode=manifest.mode, max_new_tokens=ANSWER_TOKENS)
    runner = MultimodalRunner(RunFiles.of(artifact), get_family(manifest.family), options)
    return sum(
        question.is_answered(runner.run(Request(id="q", prompts=(question.text,))).last.text)
        for question in QUESTIONS
    )

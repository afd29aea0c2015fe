"""One recipe read and asked: how likely a text is to it, and which questions it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
class Reading:
    """What a recipe came to.

    Attributes:
        recipe: Its name.
        perplexity: Of the windows.
        ratio: Over that of the float model on the same tokens.
        right: Questions that were answered right; None where none were asked.
        decoder_bytes: Size of the text decoder's file.
        export_s: What exporting it took, when it was made.
    """

    recipe: str
    perplexity: float
    ratio: Estimate
    right: int | None
    decoder_bytes: int
    export_s: float | None


def read(
    name: str,
    artifact: Artifact,
    windows: Sequence[Window],
    reference: Sequence[tuple[float, ...]],
    *,
    ask: bool,
) -> Reading:
    """Let an artifact read a text and answer questions.

    Args:
        name: Of the recipe.
        artifact: Its files.
        windows: The text.
        reference: Losses of the float model, one tuple per window.
        ask: Whether questions are asked as well.
    """
    manifest, files = artifact.manifest, RunFiles.of(artifact)
    family = get_family(manifest.family)
    text = FileText(files, family, RunOptions(mode=manifest.mode))
    measured = [text.losses(window) for window in windows]
    pairs = [TokenLosses(*pair) for pair in zip(reference, measured, strict=True)]
    decoder = manifest.component("text_decoder")
    return Reading(
        recipe=name,
        perplexity=perplexity([lost for window in measured for lost in window]),
        ratio=perplexity_ratio(pairs),
        right=count_right(artifact) if ask else None,
        decoder_bytes=decoder.pte_bytes,
        export_s=decoder.export_s,
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

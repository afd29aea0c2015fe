"""One comparison: artifacts and other engines at one workload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engines.figures import EngineRow, rows_of
from benchmarks.engines.prompt import formatted_ids, prompt_of
from benchmarks.engines.registry import CHECKS, OTHERS, OURS, Engine
from benchmarks.engines.rounds import EngineFailed, EngineSample, Seat, play, prepare
from benchmarks.engines.task import EngineTask, EngineWorkload
from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import Manifest
from harness.checkpoint.checkpoint import open_checkpoint
from harness.errors import UserError, suggest
from harness.vlm.prompt import format_turn
from harness.vlm.registry import get_family, get_spec_or_family
from harness.vlm.tokenizer import Tokenizer

FLOAT = "transformers float32"
_KEY_DIGITS = 6
_IMAGE_PROMPT = "How many shapes are there?"
_NO_CHECKPOINT = (
    "not run: it needs the checkpoint that the artifact was made from; --checkpoint DIR"
)


@dataclass(frozen=True)
class Contest:
    """What was asked for.

    Attributes:
        artifacts: Ours; ratios are of the first.
        checkpoint: Folder of the weights that they were made from; None where nobody has it.
        others: Engines beside ours.
        threads: Numbers of threads.
        rounds: Processes per engine and number of threads.
        files: Folder of the other engines' files.
    """

    artifacts: Sequence[Artifact]
    checkpoint: Path | None
    others: Sequence[Engine]
    threads: Sequence[int]
    rounds: int
    files: Path


@dataclass(frozen=True)
class ContestOutcome:
    """What came out.

    Attributes:
        rows: One per engine and number of threads, then those that did not run.
        measured: Every process.
    """

    rows: Sequence[EngineRow]
    measured: Sequence[EngineSample]

    @property
    def has_failed(self) -> bool:
        """Whether an engine that is installed did not answer."""
        return any(row.has_failed for row in self.rows)


def engines_named(names: Sequence[str] | None) -> Sequence[Engine]:
    """Engines by their names; all that run without being asked for where nobody names any.

    Raises:
        UserError: If one does not exist.
    """
    if names is None:
        return OTHERS
    known = {engine.name: engine for engine in (*OTHERS, *CHECKS)}
    for name in names:
        if name not in known:
            raise UserError(f"There is no engine {name!r}; {suggest(name, known)}.")
    return [known[name] for name in names]


def workload_of(artifact: Artifact, image: Path, tokens: int, steps: int) -> EngineWorkload:
    """What every engine is asked, in the tokens of an artifact.

    Raises:
        UserError: If no prompt has so many tokens, or the answer does not fit the context.
    """
    family, tokenizer = get_family(artifact.manifest.family), Tokenizer(artifact.tokenizer_path)
    context = artifact.manifest.context_length
    longest = max(tokens, artifact.manifest.tokens_per_image + tokens)
    if longest + steps >= context:
        raise UserError(
            f"{longest} tokens of a prompt with a picture and {steps} of an answer do not fit a "
            f"context of {context}; take fewer with --prompt-tokens or --decode-steps."
        )
    prompt = prompt_of(tokens, tokenizer, family)
    return EngineWorkload(
        prompt=prompt,
        formatted=format_turn(prompt, "", family.prompt),
        prompt_ids=tuple(formatted_ids(prompt, tokenizer, family)),
        image_prompt=_IMAGE_PROMPT,
        image=image.absolute(),
        decode_steps=steps,
    )


def check_same_weights(artifact: Artifact, checkpoint: Path) -> None:
    """Refuse to compare engines on different weights.

    Raises:
        UserError: If the artifact was made from others than the checkpoint's.
    """
    opened = open_checkpoint(checkpoint, get_spec_or_family(artifact.manifest.model))
    stated = artifact.manifest.component("text_decoder").weights_sha256
    if stated is not None and stated != opened.component_sha256("text_decoder"):
        raise UserError(
            f"{artifact.directory} was not made from the weights of {checkpoint}; name the "
            "checkpoint that it was made from, or export this one."
        )


def compare(
    asked: Contest,
    workload: EngineWorkload,
    say: Callable[[str], None],
    keep: Callable[[EngineSample], None],
) -> ContestOutcome:
    """Prepare every engine and let all take turns.

    Args:
        asked: Who takes part.
        workload: What each is asked.
        say: Told what begins.
        keep: Given what each process measured.
    """
    names = own_names([artifact.manifest for artifact in asked.artifacts])
    pairs = zip(names, asked.artifacts, strict=True)
    contestants = [(name, OURS, artifact) for name, artifact in pairs]
    contestants += [(engine.name, engine, asked.artifacts[0]) for engine in asked.others]
    seats: list[Seat] = []
    notes: list[EngineRow] = []
    for name, engine, artifact in contestants:
        say(f"{name}: preparing")
        found = _prepare(asked, workload, name, engine, artifact)
        if isinstance(found, EngineRow):
            notes.append(found)
        else:
            seats += found
    measured: list[EngineSample] = []
    for played in play(seats, asked.rounds, say):
        if isinstance(played, EngineSample):
            measured.append(played)
            keep(played)
        else:
            seat, failure = played
            notes.append(_failed(seat.task.engine, failure))
    return ContestOutcome([*rows_of(seats, measured, names[0], FLOAT), *notes], measured)


def own_names(manifests: Sequence[Manifest]) -> list[str]:
    """What our runner is called on each artifact."""
    labels = [f"{OURS.name} {manifest.precision_label}" for manifest in manifests]
    return told_apart(labels, [manifest.key for manifest in manifests])


def told_apart(labels: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Labels, with the beginning of its key behind each that another one equals."""
    return [
        label if labels.count(label) == 1 else f"{label} {key[:_KEY_DIGITS]}"
        for label, key in zip(labels, keys, strict=True)
    ]


def _prepare(
    asked: Contest, workload: EngineWorkload, name: str, engine: Engine, artifact: Artifact
) -> list[Seat] | EngineRow:
    """A seat per number of threads, or why there is none."""
    if engine.missing is not None:
        return EngineRow(name, note=engine.missing)
    if engine is not OURS and asked.checkpoint is None:
        return EngineRow(name, note=_NO_CHECKPOINT)
    task = EngineTask(
        engine=name,
        model=artifact.manifest.model,
        artifact=artifact.directory.absolute(),
        checkpoint=None if asked.checkpoint is None else asked.checkpoint.absolute(),
        files=asked.files.absolute(),
        workload=workload,
        threads=max(asked.threads),
    )
    try:
        files = prepare(task)
    except EngineFailed as failure:
        return _failed(name, failure)
    return [Seat(task.model_copy(update={"threads": threads}), files) for threads in asked.threads]


def _failed(name: str, failure: EngineFailed) -> EngineRow:
    return EngineRow(name, note=f"did not run: {failure}", has_failed=True)

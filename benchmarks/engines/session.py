"""One comparison: artifacts and other engines at one workload."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engines.figures import EngineRow, rows_of
from benchmarks.engines.prompt import formatted_ids, prompt_of
from benchmarks.engines.registry import CHECKS, OTHERS, OURS, Engine
from benchmarks.engines.rounds import EngineFailed, EngineSample, Seat, play, prepare
from benchmarks.engines.task import EngineTask, EngineWorkload
from harness.artifacts.artifact import Artifact
from harness.checkpoint.checkpoint import open_checkpoint
from harness.errors import UserError, suggest
from harness.vlm.prompt import format_turn
from harness.vlm.registry import get_family, get_spec_or_family
from harness.vlm.tokenizer import Tokenizer

FLOAT = "transformers float32"
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
        failed: Engines that are installed and did not answer.
    """

    rows: Sequence[EngineRow]
    measured: Sequence[EngineSample]
    failed: Sequence[str]


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


def compare(asked: Contest, workload: EngineWorkload, say: Callable[[str], None]) -> ContestOutcome:
    """Prepare every engine and let all take turns."""
    notes: list[EngineRow] = []
    failed: list[str] = []
    seats = list(_seats(asked, workload, say, notes, failed))
    measured: list[EngineSample] = []
    for found in play(seats, asked.rounds, say):
        if isinstance(found, EngineSample):
            measured.append(found)
            continue
        seat, failure = found
        failed.append(seat.task.engine)
        notes.append(EngineRow(seat.task.engine, note=f"did not run: {failure}"))
    rows = rows_of(seats, measured, _own_name(asked.artifacts[0]), FLOAT)
    return ContestOutcome([*rows, *notes], measured, failed)


def _seats(
    asked: Contest,
    workload: EngineWorkload,
    say: Callable[[str], None],
    notes: list[EngineRow],
    failed: list[str],
) -> Iterator[Seat]:
    """Engines that can run; why others cannot goes to the notes."""
    first = asked.artifacts[0]
    contestants = [(_own_name(one), OURS, one) for one in asked.artifacts]
    contestants += [(engine.name, engine, first) for engine in asked.others]
    for name, engine, artifact in contestants:
        note = engine.missing
        if note is None and engine is not OURS and asked.checkpoint is None:
            note = _NO_CHECKPOINT
        if note is not None:
            notes.append(EngineRow(name, note=note))
            continue
        task = EngineTask(
            engine=name,
            model=artifact.manifest.model,
            artifact=artifact.directory.absolute(),
            checkpoint=None if asked.checkpoint is None else asked.checkpoint.absolute(),
            files=asked.files.absolute(),
            workload=workload,
            threads=max(asked.threads),
        )
        say(f"{name}: preparing")
        try:
            files = prepare(task)
        except EngineFailed as failure:
            failed.append(name)
            notes.append(EngineRow(name, note=f"did not run: {failure}"))
            continue
        for threads in asked.threads:
            yield Seat(task.model_copy(update={"threads": threads}), files)


def _own_name(artifact: Artifact) -> str:
    return f"{OURS.name} {artifact.manifest.precision_label}"

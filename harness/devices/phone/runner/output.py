"""What a run left behind, as an answer or as a failure: outputs, speed file and logs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.backends.qnn.errors import explain
from harness.devices.device import RunFailure
from harness.devices.phone.files.storage import SMALL_FILE_BYTES
from harness.devices.phone.runner.dialogue import Dialogue
from harness.errors import UserError
from harness.kept_output import last_lines
from harness.measure.run_stats import RunStats
from harness.measure.wording import end_in_words
from harness.runner_log.failed_check import why_it_ended
from harness.runner_log.log import parse_runner_log
from harness.runtime.generation import Generation, Turn
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_stops import UNGUESSED_ID

_KIB_PER_MIB = 1024
_SPEED_TOLERANCE = 0.02
"""Of the speed file against the log: six digits from stamps of whole milliseconds."""
_SUCH_AS = "as at a generated id that its tokenizer lacks"
"""Upstream's runner ends with exit code 0 all the same (contract §5.7)."""


class UnusableRun(Exception):
    """A run that ended without an answer, whatever its exit code was; the text says why."""


@dataclass(frozen=True)
class LeftBehind:
    """Everything that a process left, as far as the phone still told it.

    Attributes:
        log: Standard output and error, and what it logged elsewhere.
        output: ``outputs.txt``; None if it was not written.
        speed: Content of the speed file; None if it was not written.
        peak_kib: Peak resident set as the phone's kernel told it while the process ran; None for a
            process too short to be asked.
        logcat: What the process logged to Android's log, as far as anybody needs to know it.
        exit_code: Exit code of the runner, 128 and more for a signal; -1 of a run that left none.
        cut_short: Why the process did not end by itself, in a sentence; None if it did.
    """

    log: str
    output: bytes | None
    speed: str | None
    peak_kib: int | None = None
    logcat: str = ""
    exit_code: int = 0
    cut_short: str | None = None


def read_answer(
    request_id: str, left: LeftBehind, dialogue: Dialogue, tokenizer: Tokenizer
) -> Generation:
    """Tell what was answered and how long it took.

    Our own runner prints the answer as one line of JSON. Upstream's prints no token ids; they are
    found by tokenizing its text again, and marked so.

    Raises:
        UnusableRun: If nothing was answered, or files are of another run (contract §5.7: a runner
            that gives up ends with exit code 0 all the same).
    """
    if left.cut_short or left.exit_code != 0:
        raise UnusableRun(left.cut_short or f"it {end_in_words(left.exit_code)}")
    texts = _answers(left, dialogue)
    stats = _statistics(left, len(dialogue.prompts))
    _check_ends(texts, stats, tokenizer)
    _check_speed(left.speed, stats[-1])
    own = _own_answer(left.log)
    if own is not None:
        if tuple(turn.text for turn in own.turns) != texts:
            raise UnusableRun("its outputs.txt holds another text than its last line")
        return own.model_copy(update={"request_id": request_id})
    turns = tuple(
        Turn(
            echo=echo,
            text=text,
            token_ids=tuple(tokenizer.encode(text)),
            stats=_with_peak(measured, left.peak_kib),
            is_retokenized=True,
        )
        for echo, text, measured in zip(dialogue.endings, texts, stats, strict=True)
    )
    return Generation(request_id=request_id, turns=turns)


def failed_run(
    left: LeftBehind, reason: str, command: tuple[str, ...], answered: tuple[Generation, ...]
) -> RunFailure:
    """What to raise for a run that ended without an answer.

    Args:
        left: What the run left.
        reason: Why it gave no answer; the check by which it ended itself goes before it, and what
            QNN says of itself is explained behind it.
        command: As ``command_by_hand`` returns it.
        answered: Earlier requests of the same session.
    """
    lines = left.log.splitlines()
    # What Android's log has of FastRPC and the linker is no line of the runner's own.
    known = explain([*lines, *left.logcat.splitlines(), reason])
    said = why_it_ended(left.log)
    told = "; ".join(filter(None, (said, reason, known)))
    kept = {"stdout and stderr": left.log}
    if left.logcat:
        kept["logcat"] = left.logcat
    log = "\n".join([told, *last_lines(left.log)])
    return RunFailure(left.exit_code, command, log, answered, kept=kept)


def _answers(left: LeftBehind, dialogue: Dialogue) -> tuple[str, ...]:
    """Text behind each echo; turns follow each other without a separator (contract §5.3)."""
    if left.speed is None:
        raise UnusableRun(
            f"it wrote no speed file, which it leaves out when it gives up, {_SUCH_AS}"
        )
    if not left.output:
        raise UnusableRun("it wrote no outputs.txt" if left.output is None else "outputs.txt empty")
    if len(left.output) >= SMALL_FILE_BYTES:
        raise UnusableRun(
            f"its outputs.txt has {SMALL_FILE_BYTES >> 20} MiB or more, which no answer has; it "
            f"begins with {left.output[:60].decode(errors='replace')!r}"
        )
    written = left.output.decode(errors="replace")
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for ending in dialogue.endings:
        found = written.find(ending, position)
        if found < 0 or (dialogue.is_exact and not starts and found > 0):
            raise UnusableRun(
                f"its outputs.txt does not begin with the prompt {ending[:60]!r} but with "
                f"{written[:60]!r}: it is of another run, or the runner has another template"
            )
        ends.append(found)
        position = found + len(ending)
        starts.append(position)
    texts = tuple(
        written[start:end] for start, end in zip(starts, [*ends[1:], len(written)], strict=True)
    )
    if not all(texts):
        raise UnusableRun("its outputs.txt holds the prompt and no answer behind it")
    return texts


def _statistics(left: LeftBehind, turns: int) -> list[RunStats]:
    try:
        reported = parse_runner_log(left.log)
    except UserError as error:
        raise UnusableRun(str(error)) from error
    if len(reported) != turns:
        reason = f", and leaves out those that it gives up, {_SUCH_AS}"
        is_short = len(reported) < turns
        raise UnusableRun(f"it reported {len(reported)} turns of {turns}{reason * is_short}")
    return [turn.stats for turn in reported]


def _check_ends(texts: Sequence[str], stats: Sequence[RunStats], tokenizer: Tokenizer) -> None:
    """A stop token is the end of its answer (contract §4.6), so a text without one was cut."""
    id_0 = tokenizer.token_bytes(UNGUESSED_ID).decode(errors="ignore")
    stops = tuple(filter(None, (*tokenizer.added_tokens, id_0)))
    for text, measured in zip(texts, stats, strict=True):
        if measured.stop_reason == "stop_token" and not text.endswith(stops):
            raise UnusableRun(
                f"its outputs.txt ends an answer with {text[-40:]!r} and its log tells of a stop "
                "token there: the file was cut, or is of another run"
            )


def _check_speed(speed: str | None, stats: RunStats) -> None:
    """The speed file is written once per turn, so it is the last turn's, or an older run's."""
    tokens, duration_ms = (
        (stats.generated_tokens, stats.inference_ms)
        if stats.generated_tokens
        else (stats.prompt_tokens, stats.prompt_eval_ms)
    )
    try:
        written = float(speed or "")
    except ValueError as error:
        told = f"its speed file holds {(speed or '')[:60]!r}, which is no number"
        raise UnusableRun(told) from error
    if duration_ms and not _agree(written, tokens * 1000 / duration_ms, duration_ms):
        raise UnusableRun(
            f"its speed file says {written:g} tokens per second and its log "
            f"{tokens * 1000 / duration_ms:.6g}: the file is of another run"
        )


def _agree(written: float, logged: float, duration_ms: float) -> bool:
    """Equal up to the rounding of a millisecond at both ends."""
    return math.isclose(written, logged, rel_tol=max(_SPEED_TOLERANCE, 2 / duration_ms))


def _own_answer(log: str) -> Generation | None:
    for line in reversed(log.splitlines()):
        if line.startswith('{"request_id"'):
            try:
                return Generation.model_validate(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise UnusableRun(f"its line of JSON cannot be read ({error})") from error
    return None


def _with_peak(stats: RunStats, peak_kib: int | None) -> RunStats:
    """The larger of what the runner said and what the kernel said."""
    told = [stats.peak_rss_mib] if stats.peak_rss_mib is not None else []
    told += [peak_kib / _KIB_PER_MIB] if peak_kib is not None else []
    return stats.model_copy(update={"peak_rss_mib": max(told) if told else None})

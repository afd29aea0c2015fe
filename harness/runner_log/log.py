"""What a multimodal runner printed, upstream's or ours, as run statistics.

A runner reports each turn twice: as one ``PyTorchObserver`` line on stdout and as a statistics
block in the log; either is enough. Upstream reports no stages, but its log stamps the lines around
vision encoder and prefill with microseconds, so both can be timed on a phone all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.errors import UserError
from harness.measure.run_stats import StopReason
from harness.runner_log import messages
from harness.runner_log.contradiction import check_agreement, check_stages
from harness.runner_log.line import Line, LogLine, read_log_line
from harness.runner_log.observer_line import OBSERVER, is_observation, parse_observer
from harness.runner_log.reported_turn import ReportedTurn
from harness.runner_log.statistics_block import parse_blocks
from harness.runner_log.streams import numbered_lines

_ENCODE_BEGINS = (messages.ENCODE_BEGINS, messages.ENCODE_BEGINS_UNTIL_MARCH_2026)
_PROMPTS = (messages.TURN_LISTED, messages.TURN_BEGINS)
_QNN = "[Qnn ExecuTorch]"
"""In the lines of QNN's own logger, which bear no stamp."""


def parse_runner_log(text: str) -> tuple[ReportedTurn, ...]:
    """Read everything a runner says about its turns.

    Times come from the statistics block where there is one (microseconds), else from the observer
    line. ``sampling_ms`` of upstream's runner sums over the turns so far (contract §5.5).

    Args:
        text: Standard output and standard error, in any order or interleaved.

    Returns:
        One entry per turn, in order.

    Raises:
        UserError: If there are no statistics, or a line of them is cut, damaged or contradicted.
    """
    read = (read_log_line(number, line) for number, line in numbered_lines(text))
    lines = list(_without_prompts(read))
    blocks = list(parse_blocks(lines))
    observed = [
        parse_observer(line.message, line.number)
        for line in lines
        if OBSERVER in line.message and not _begins_prompt(line)
    ]
    if not blocks and not observed:
        raise UserError(
            f"The runner printed no statistics in {len(lines)} lines, so it did not finish; see"
            f" its last line: {lines[-1].message if lines else '(nothing)'!r}."
        )
    check_agreement(blocks, observed)
    turns = blocks or observed
    ends = [turn.line for turn in turns]
    return tuple(
        _with_surroundings(
            turn,
            observed[index : index + 1],
            [line for line in lines if before < line.number <= turn.line],
        )
        for index, (before, turn) in enumerate(zip([0, *ends], turns, strict=False))
    )


def _without_prompts(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Leave out the further lines of a prompt of several: they may read like anything."""
    is_prompt = False
    for line in lines:
        if line.stamp_ms is not None:
            is_prompt = _begins_prompt(line)
        elif _QNN in line.message or (OBSERVER in line.message and is_observation(line.message)):
            is_prompt = False
        elif is_prompt:
            continue
        yield line


def _begins_prompt(line: LogLine) -> bool:
    return any(one.begins(line.message) for one in _PROMPTS)


def _with_surroundings(
    turn: ReportedTurn, observed: Sequence[ReportedTurn], lines: Sequence[LogLine]
) -> ReportedTurn:
    """Add what only the other report, or the lines since the previous turn, tell."""
    lines = _of_one_turn(lines)
    stats = turn.stats.model_copy(
        update={
            "execute_ms": observed[0].stats.execute_ms if observed else None,
            "encode_ms": _stage_ms(lines, _ENCODE_BEGINS, messages.ENCODE_ENDS),
            "prefill_ms": _stage_ms(lines, (messages.PREFILL_BEGINS,), messages.PREFILL_ENDS),
            "peak_rss_mib": _peak_rss_mib(lines),
            "decode_steps": _decode_steps(lines),
            "stop_reason": _stop_reason(lines),
        }
    )
    check_stages(stats, turn.line)
    rates = {**(observed[0].rates if observed else {}), **turn.rates}
    return ReportedTurn(stats, rates, turn.line)


def _of_one_turn(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """Without the lines of turns before it that the runner gave up, which have no statistics."""
    begins = [index for index, line in enumerate(lines) if _begins_turn(line)]
    return lines[begins[-1] :] if len(begins) > 1 else lines


def _begins_turn(line: LogLine) -> bool:
    return messages.TURN_BEGINS.begins(line.message)


def _stage_ms(lines: Sequence[LogLine], first: Sequence[Line], last: Line) -> float | None:
    """Time between the messages that begin and end a stage, summed; None if it cannot be told."""
    begins, ends = (
        [one for one in lines if any(message.begins(one.message) for message in kind)]
        for kind in (first, (last,))
    )
    if not begins or len(begins) != len(ends):
        return None
    total_ms = 0.0
    for begin, end in zip(begins, ends, strict=True):
        if begin.stamp_ms is None or end.stamp_ms is None:
            return None
        total_ms += end.stamp_ms - begin.stamp_ms
    return total_ms


def _peak_rss_mib(lines: Sequence[LogLine]) -> float | None:
    """Peak resident set, which a runner writes as 0 where its platform cannot tell."""
    for line in lines:
        if messages.TURN_ENDS.begins(line.message):
            told = messages.TURN_ENDS.read(line.message)
            if told is None:
                raise UserError(
                    f"Line {line.number} of the runner's output, its peak RSS, is cut or damaged:"
                    f" {line.message!r}; pull the whole output and parse it again."
                )
            return told["rss_mib"] or None
    return None


def _decode_steps(lines: Sequence[LogLine]) -> int | None:
    """Passes of a lookahead turn, each of which yields one token and those it accepted.

    Other modes say nothing, and neither does a cut line.
    """
    for line in lines:
        if told := messages.LOOKAHEAD.read(line.message):
            return int(told["generated"] - told["accepted"])
    return None


def _stop_reason(lines: Sequence[LogLine]) -> StopReason:
    for line in lines:
        for message, reason in messages.STOPS:
            if message.begins(line.message):
                return reason
    return "unknown"

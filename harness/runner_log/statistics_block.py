"""The seven statistics lines that a runner logs per turn (contract §5.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from harness.errors import UserError
from harness.measure.run_stats import RunStats
from harness.runner_log.reported_turn import ReportedTurn, check_durations, finite_rates

_SECONDS = r"\s+(?P<seconds>-?\d+\.\d+) \(seconds\)"
_RATE = r"\s+Rate:\s+(?P<rate>\S+) \(tokens/second\)"
_FIRST = "token counts"
# Upstream separates by tabs; some log viewers turn each run of them into one space.
_LABELS = {
    _FIRST: (r"Prompt Tokens:", r"\s+(?P<prompt>\d+)\s+Generated Tokens:\s+(?P<steps>\d+)"),
    "Model Load Time": (r"Model Load Time:", _SECONDS),
    "Total inference time": (r"Total inference time:", _SECONDS + _RATE),
    "Prompt evaluation": (r"Prompt evaluation:", _SECONDS + _RATE),
    "Generated tokens": (r"Generated \d+ tokens:", _SECONDS + _RATE),
    "Time to first generated token": (r"Time to first generated token:", _SECONDS),
    "Sampling time": (r"Sampling time over \d+ tokens:", _SECONDS),
}
_STARTS = {name: re.compile(label) for name, (label, _) in _LABELS.items()}
_WHOLE = {name: re.compile(rf"{label}{rest}\s*") for name, (label, rest) in _LABELS.items()}

_Fields = dict[str, dict[str, str]]


def parse_blocks(messages: Iterable[tuple[int, str]]) -> Iterator[ReportedTurn]:
    """Read all statistics blocks; other lines may stand between theirs.

    Args:
        messages: Line number and text of each line, the logger's prefix removed.

    Yields:
        One turn per block, in order.

    Raises:
        UserError: If a line of a block is damaged or missing, or a duration is negative.
    """
    fields: _Fields = {}
    last = 0
    for line, message in messages:
        name = next((name for name, start in _STARTS.items() if start.match(message)), None)
        if name is None:
            continue
        if name == _FIRST and fields:
            raise _incomplete(fields, last)
        fields[name] = _read_line(name, message, line)
        last = line
        if len(fields) == len(_LABELS):
            yield _turn(fields, line)
            fields = {}
    if fields:
        raise _incomplete(fields, last)


def _read_line(name: str, message: str, line: int) -> dict[str, str]:
    match = _WHOLE[name].fullmatch(message)
    if match is None:
        raise UserError(
            f"Line {line} of the runner's output, {name!r}, is cut or damaged: {message.strip()!r};"
            " pull the whole output and parse it again."
        )
    return match.groupdict()


def _incomplete(fields: _Fields, line: int) -> UserError:
    missing = ", ".join(name for name in _LABELS if name not in fields)
    return UserError(
        f"The statistics block that ends at line {line} of the runner's output has {len(fields)} of"
        f" {len(_LABELS)} lines and lacks {missing}; pull the whole output and parse it again."
    )


def _turn(fields: _Fields, line: int) -> ReportedTurn:
    durations_ms = {
        metric: float(fields[name]["seconds"]) * 1000
        for metric, name in (
            ("load_ms", "Model Load Time"),
            ("inference_ms", "Total inference time"),
            ("prompt_eval_ms", "Prompt evaluation"),
            ("decode_ms", "Generated tokens"),
            ("ttft_ms", "Time to first generated token"),
            ("sampling_ms", "Sampling time"),
        )
    }
    check_durations(durations_ms, line)
    counts = fields[_FIRST]
    stats = RunStats(
        prompt_tokens=int(counts["prompt"]), generated_tokens=int(counts["steps"]), **durations_ms
    )
    rates = {
        metric: _number(fields[name]["rate"])
        for metric, name in (
            ("e2e_tps", "Total inference time"),
            ("prompt_eval_tps", "Prompt evaluation"),
            ("decode_tps", "Generated tokens"),
        )
    }
    return ReportedTurn(stats, finite_rates(rates), line)


def _number(text: str) -> float | None:
    """A rate as C's printf writes it; ``-nan`` is one of its spellings."""
    try:
        return float(text)
    except ValueError:
        return None
